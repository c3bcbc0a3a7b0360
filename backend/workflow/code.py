"""The Lambdas' code and the state machine's definition, as objects in the bucket that are named by their content."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

from backend.aws.environment import Environment
from backend.aws.names import CODE_PREFIX

LAMBDAS = Path(__file__).parents[2] / "lambdas"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold: the same files give the same archive


def upload_function(environment: Environment, folder: str) -> str:
    """Zip `lambdas/<folder>` into the bucket; returns the key."""
    return _upload(environment, f"{folder}-{{digest}}.zip", zip_folder(LAMBDAS / folder))


def upload_definition(environment: Environment, path: Path) -> str:
    """Put a state machine's definition into the bucket; returns the key."""
    return _upload(environment, f"{path.name.split('.')[0]}-{{digest}}.asl.json", path.read_bytes())


def zip_folder(folder: Path) -> bytes:
    """A zip of a folder's Python files; the same content gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*.py")):
            member = zipfile.ZipInfo(str(path.relative_to(folder)), _EPOCH)
            member.external_attr = 0o644 << 16
            archive.writestr(member, path.read_bytes())
    return buffer.getvalue()


def _upload(environment: Environment, name: str, content: bytes) -> str:
    """CloudFormation sees a change by the key alone, so the key says what is in the object."""
    key = CODE_PREFIX + name.format(digest=hashlib.sha256(content).hexdigest()[:16])
    environment.s3.put_object(Bucket=environment.bucket, Key=key, Body=content)
    return key
