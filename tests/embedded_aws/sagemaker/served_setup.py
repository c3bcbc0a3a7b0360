"""What a SageMaker in a test's own process is surrounded by."""

from __future__ import annotations

import io
import sqlite3
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from backend.aws.environment import Environment

_HISTORY = """
CREATE TABLE IF NOT EXISTS history (name TEXT, status TEXT);
CREATE TRIGGER IF NOT EXISTS created AFTER INSERT ON resources BEGIN
    INSERT INTO history VALUES (new.name, new.status); END;
CREATE TRIGGER IF NOT EXISTS changed AFTER UPDATE OF status ON resources WHEN old.status <> new.status BEGIN
    INSERT INTO history VALUES (new.name, new.status); END;
"""


def record_history(folder: Path) -> None:
    """Have the database of a service write down every status that its resources come to, from now on."""
    with closing(sqlite3.connect(folder / "sagemaker.sqlite")) as database:
        database.executescript(_HISTORY)


def history(folder: Path, name: str) -> list[str]:
    """The statuses that a resource had, one after the other."""
    with closing(sqlite3.connect(folder / "sagemaker.sqlite")) as database:
        rows = database.execute("SELECT status FROM history WHERE name = ? COLLATE NOCASE", (name,))
        return [status for (status,) in rows]


def is_container(process: psutil.Process, folder: Path) -> bool:
    """Whether a process serves in this folder or below it."""
    try:
        return Path(process.cwd()).is_relative_to(folder) and process.cmdline()[-1:] == ["serve"]
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


@contextmanager
def aws_variables(environment: Environment) -> Iterator[None]:
    """boto3's environment variables as the supervisor sets them."""
    credentials = environment.session.get_credentials()
    assert credentials is not None
    assert credentials.secret_key is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", environment.account)
        patch.setenv("AWS_SECRET_ACCESS_KEY", credentials.secret_key)
        patch.setenv("AWS_ENDPOINT_URL", environment.s3.meta.endpoint_url)
        yield


def archive(files: dict[str, str]) -> bytes:
    """A model.tar.gz."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()


def unique(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:12]}"
