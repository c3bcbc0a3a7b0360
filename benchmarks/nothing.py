"""Pictures of nothing that no training has seen: drawn by Pillow at the sizes that cameras and screens have.

Nothing here is shared with backend.staging.blanks, which draws those that are trained on.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

PICTURES_OF_A_KIND = 40
_CAMERAS = ((32, 32), (64, 48), (320, 240), (640, 480), (1280, 720))
_SCREENS = ((640, 480), (800, 600), (1280, 720), (1920, 1080), (390, 844))
_WORDS = "the order was sent to a driver near the depot and is on its way with file edit view help 0 1 24 2024 % = ( )"


def draw_all() -> Iterator[tuple[str, bytes]]:
    """A kind and a PNG or JPEG, the same ones each time."""
    for kind, draw in _KINDS.items():
        for number in range(PICTURES_OF_A_KIND):
            random = Random(f"{kind} {number}")  # noqa: S311  pictures, not secrets
            yield kind, _encoded(draw(random), random)


def _encoded(picture: Image.Image, random: Random) -> bytes:
    content = io.BytesIO()
    picture.save(content, random.choice(("PNG", "JPEG")))
    return content.getvalue()


def _frame(random: Random) -> Image.Image:
    """What a camera sees of a wall, a cap or the sun: one color, darker towards the corners, a speck of dust on it."""
    size = random.choice(_CAMERAS)
    level = random.choice((0, 6, 20, 128, 235, 255, random.randrange(256)))
    color = tuple(max(0, min(255, level + random.randint(-25, 25) * random.randint(0, 1))) for _ in range(3))
    frame = Image.new("RGB", size, color)
    if random.random() < 0.4:
        shade = ImageChops.invert(Image.radial_gradient("L")).point(lambda value: 155 + value * 100 // 255).resize(size)
        frame = ImageChops.multiply(frame, Image.merge("RGB", (shade,) * 3))
    if random.random() < 0.3:
        left, top, radius = random.randrange(size[0]), random.randrange(size[1]), max(1, size[1] // 40)
        dust = (left - radius, top - radius, left + radius, top + radius)
        ImageDraw.Draw(frame).ellipse(dust, fill=(level // 2,) * 3)
        frame = frame.filter(ImageFilter.GaussianBlur(radius))
    return frame


def _noise(random: Random) -> Image.Image:
    """A sensor in the dark, a screen without a signal, and both blurred or as blocks."""
    size = random.choice(_CAMERAS[:4])
    bands = [_noise_band(size, random) for _ in range(random.choice((1, 3)))]
    noise = Image.merge("RGB", bands if len(bands) == 3 else bands * 3)
    if random.random() < 0.3:
        noise = noise.filter(ImageFilter.GaussianBlur(random.choice((1, 2, 4))))
    if random.random() < 0.3:
        blocks = (max(2, size[0] // random.choice((3, 6, 12))), max(2, size[1] // random.choice((3, 6, 12))))
        noise = noise.resize(blocks, Image.Resampling.BOX).resize(size, Image.Resampling.NEAREST)
    return noise


def _noise_band(size: tuple[int, int], random: Random) -> Image.Image:
    """Values around a level, none far from it, or anything at all."""
    if random.random() < 0.3:
        return Image.frombytes("L", size, random.randbytes(size[0] * size[1]))
    spread, level = random.choice((8, 30, 80)), random.randint(-100, 100)
    normal = bytearray(max(0, min(255, int(random.gauss(128 + level, spread)))) for _ in range(size[0] * size[1]))
    return Image.frombytes("L", size, bytes(normal))


def _screenshot(random: Random) -> Image.Image:
    """A desktop or an app, light or dark: bars, windows, buttons, a table, and text."""
    size = random.choice(_SCREENS)
    dark = random.random() < 0.4
    paper, ink = ((30, 31, 36), (212, 212, 212)) if dark else ((250, 250, 250), (40, 40, 45))
    accent = tuple(random.randrange(40, 220) for _ in range(3))
    screen = Image.new("RGB", size, random.choice((paper, accent, (0, 90, 110))))
    pen = ImageDraw.Draw(screen)
    for _ in range(random.randint(1, 3)):
        left, top = random.randrange(size[0] // 3), random.randrange(size[1] // 3)
        right, bottom = random.randrange(size[0] // 2, size[0]), random.randrange(size[1] // 2, size[1])
        _window(pen, (left, top, right, bottom), (paper, ink, accent), random)
    pen.rectangle((0, size[1] - 36, size[0], size[1]), fill=accent if random.random() < 0.5 else ink)
    return screen


def _window(
    pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], colors: tuple[tuple[int, ...], ...], random: Random
) -> None:
    paper, ink, accent = colors
    left, top, right, bottom = box
    pen.rectangle(box, fill=paper, outline=ink)
    pen.rectangle((left, top, right, top + 28), fill=accent)
    if random.random() < 0.5:
        pen.rectangle((left, top + 28, left + (right - left) // 4, bottom), fill=_mixed(paper, ink))
    height = random.choice((11, 14, 20, 32))
    font, words = ImageFont.load_default(height), _WORDS.split()
    for y in range(top + 40, bottom - height, height * 3 // 2):
        text = " ".join(random.choices(words, k=random.randint(0, 14)))
        pen.text((left + (right - left) // 4 + 12, y), text, fill=ink, font=font)
    for x in range(left + 20, right - 90, 150) if random.random() < 0.5 else ():
        pen.rounded_rectangle((x, bottom - 50, x + 90, bottom - 20), 6, fill=accent)


def _mixed(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    return tuple((4 * one + other) // 5 for one, other in zip(first, second, strict=True))


_KINDS: dict[str, Callable[[Random], Image.Image]] = {
    "blank frame": _frame,
    "noise": _noise,
    "screenshot": _screenshot,
}
