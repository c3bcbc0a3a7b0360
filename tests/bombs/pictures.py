"""Images that take much of little, by name."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from backend.errors import InvalidImage
from backend.staging.pictures import check_picture
from embedded_aws.sagemaker.containers.image_classification.pictures import UnreadableImage, decode, fit

Bomb = Callable[[], bytes]


def checked(path: str) -> str:
    """What the app makes of an image."""
    try:
        return check_picture("it", Path(path).read_bytes())
    except InvalidImage as error:
        return f"InvalidImage: {error}"


def classified(path: str) -> str:
    """What the containers make of an image for a network of 32 x 32 pixels."""
    try:
        return str(fit(decode(Path(path).read_bytes(), (32, 32)), (32, 32)).shape)
    except UnreadableImage as error:
        return f"UnreadableImage: {error}"


def both(path: str) -> str:
    """What either makes of an image, in the order above, as JSON."""
    return json.dumps([checked(path), classified(path)])


def png(width: int, height: int, bits: int = 8, kind: int = 0, content: bytes | None = None) -> bytes:
    """A black PNG; kind 0 is gray, 2 RGB, 6 RGBA."""
    channels = {0: 1, 2: 3, 6: 4}[kind]
    if content is None:
        packer = zlib.compressobj(9)
        row = bytes(1 + (width * bits * channels + 7) // 8)
        content = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def saved(kind: str, size: tuple[int, int] = (32, 32), mode: str = "RGB", **options: object) -> Bomb:
    def save() -> bytes:
        file = io.BytesIO()
        Image.new(mode, size).save(file, kind, **options)
        return file.getvalue()

    return save


def jpeg_of_many_scans() -> bytes:
    """A progressive JPEG whose last scan is there 20,000 times."""
    content = saved("JPEG", (4000, 4000), progressive=True)()
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * 20_000 + content[-2:]


BOMBS: dict[str, Bomb] = {
    "67 bytes of 1 x 170,000,000": lambda: png(1, 170_000_000, content=zlib.compress(b"")),
    "1 x 400,000": lambda: png(1, 400_000),
    "400,000 x 1": lambda: png(400_000, 1),
    "13,000 x 13,000": lambda: png(13_000, 13_000, bits=1),
    "20,001 x 1": lambda: png(20_001, 1),
    "65,535 x 65,535 as JPEG": lambda: saved("JPEG")().replace(struct.pack(">HH", 32, 32), b"\xff" * 4, 1),
    "many scans": jpeg_of_many_scans,
    **{f"a {kind}": saved(kind) for kind in ("GIF", "WEBP", "TIFF", "BMP", "ICO", "PPM", "TGA", "PCX", "EPS")},
}
LARGE: dict[str, Bomb] = {
    "1 x 20,000": lambda: png(1, 20_000),
    "20,000 x 1": lambda: png(20_000, 1),
    "5,000 x 5,000, RGBA": lambda: png(5_000, 5_000, kind=6),
    "5,000 x 5,000, 16 bits": lambda: png(5_000, 5_000, bits=16, kind=2),
    "5,000 x 5,000, progressive": saved("JPEG", (5_000, 5_000), progressive=True, subsampling=0),
    "5,000 x 5,000, CMYK, progressive": saved("JPEG", (5_000, 5_000), "CMYK", progressive=True),
}
"""The largest that are taken."""
