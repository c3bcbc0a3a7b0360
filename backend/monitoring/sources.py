"""Where captured records are read from: the project's own bucket, and what a person adds, kept on this machine."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors
from backend.aws.names import CAPTURES_PREFIX
from backend.errors import ConfigurationError, InvalidCaptureSource, NotFound
from backend.monitoring.store import store_at
from backend.private import make_private_folder

_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_NO_FOLDERS = frozenset({"", ".", ".."})
_LONGEST_URL = 1200
_MOST_LABELS = 1000
_LONGEST_LABEL = 200


@dataclass(frozen=True)
class CaptureSource:
    """Capture files below `s3://<bucket>/<prefix>/` or `file:///<folder>/`, and what their classes are called.

    `labels` are in the order of the probabilities; () where nobody named them.
    """

    url: str
    labels: tuple[str, ...] = ()

    @property
    def folder(self) -> Path | None:
        """The folder on this machine; None for a bucket."""
        return Path(unquote(urlsplit(self.url).path)) if self.url.startswith("file:") else None

    @property
    def bucket(self) -> str:
        """The bucket; "" for a folder."""
        return "" if self.folder else self.url.removeprefix("s3://").partition("/")[0]

    @property
    def prefix(self) -> str:
        """What its keys begin with: "", or ending in a slash; "" for a folder."""
        return "" if self.folder else self.url.removeprefix("s3://").partition("/")[2]

    @property
    def name(self) -> str:
        """For people."""
        return str(self.folder or self.url)

    @property
    def cache_name(self) -> str:
        """Of the file for what was read from it, without its ending; no two sources have the same."""
        return f"captures-{hashlib.sha256(self.url.encode()).hexdigest()[:32]}"


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    labels: list[str] = []


class _File(msgspec.Struct, forbid_unknown_fields=True):
    sources: list[_Kept]


def project_source(environment: Environment) -> CaptureSource:
    """What the project's endpoint captured."""
    return CaptureSource(f"s3://{environment.bucket}/{CAPTURES_PREFIX}")


def list_sources(environment: Environment) -> list[CaptureSource]:
    """The project's own source, then the others as they were added; raises ConfigurationError for a damaged file."""
    return [project_source(environment), *_read(environment)]


def add_source(environment: Environment, url: str, labels: Sequence[str] = ()) -> CaptureSource:
    """Keep a source: `s3://bucket/prefix`, `file:///folder` or the folder's path from the root on.

    Raises InvalidCaptureSource when it is none or is there already, NotFound or AccessDenied when S3 does not list it.
    """
    source = CaptureSource(_normal_url(url), _checked_labels(labels))
    _check_listing(environment, source)
    with _changing(environment) as kept:
        if source.url in {other.url for other in (project_source(environment), *kept)}:
            raise InvalidCaptureSource(f"{source.name} is among the sources already. Choose it there.")
        kept.append(source)
    return source


def remove_source(environment: Environment, source: CaptureSource) -> None:
    """Forget a source, and what was read from it; its files stay. One that is not there is no error.

    Raises InvalidCaptureSource for the project's own, CaptureUnavailable while it is being read.
    """
    _refuse_own(environment, source, "cannot be removed")
    with _changing(environment) as kept:
        kept[:] = [other for other in kept if other.url != source.url]
    store_at(cache_path(environment, source)).delete()


def name_classes(environment: Environment, source: CaptureSource, labels: Sequence[str]) -> CaptureSource:
    """Call a source's classes by these names, in the order of the probabilities; none: they are numbered again.

    Raises InvalidCaptureSource when the source is not kept, or is the project's own, whose dataset names them.
    """
    _refuse_own(environment, source, "has the classes of its dataset")
    named = replace(source, labels=_checked_labels(labels))
    with _changing(environment) as kept:
        places = [place for place, other in enumerate(kept) if other.url == source.url]
        if not places:
            raise InvalidCaptureSource(f"{source.name} is not among the sources. Add it first.")
        kept[places[0]] = named
    return named


def cache_path(environment: Environment, source: CaptureSource) -> Path:
    """The file for what was read from a source."""
    is_own = source.url == project_source(environment).url
    return environment.cache_dir / f"{'captures' if is_own else source.cache_name}.duckdb"


def _refuse_own(environment: Environment, source: CaptureSource, reason: str) -> None:
    if source.url == project_source(environment).url:
        raise InvalidCaptureSource(f"{source.name} is the project's own source: it {reason}.")


def _normal_url(text: str) -> str:
    """One spelling for each place; raises InvalidCaptureSource."""
    text = text.strip()
    if len(text) > _LONGEST_URL or not text.isprintable():
        raise InvalidCaptureSource(f"A source has at most {_LONGEST_URL:,} characters, all of which can be printed.")
    if text.startswith("s3://"):
        return _bucket_url(text)
    if text.startswith("file:///"):
        return _folder_url(unquote(urlsplit(text).path))
    if text.startswith("/"):
        return _folder_url(text)
    raise InvalidCaptureSource(
        f"{text or 'Nothing'} is no source of captured records. Give s3://bucket/prefix, or a folder's path from / on."
    )


def _bucket_url(text: str) -> str:
    bucket, _, prefix = text.removeprefix("s3://").partition("/")
    if not _BUCKET_NAME.fullmatch(bucket):
        raise InvalidCaptureSource(f"{text} names no bucket. Give s3://bucket/prefix.")
    folders = prefix.rstrip("/").split("/") if prefix.rstrip("/") else []
    if not _NO_FOLDERS.isdisjoint(folders):
        raise InvalidCaptureSource(f"{text} has a folder without a name in its prefix. Give s3://bucket/prefix.")
    return f"s3://{bucket}/" + "".join(f"{folder}/" for folder in folders)


def _folder_url(path: str) -> str:
    try:
        folder = Path(path).resolve(strict=True)
        os.scandir(folder).close()
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no path"
        raise InvalidCaptureSource(f"Folder {path} cannot be listed ({reason}). Give one that can be read.") from error
    return folder.as_uri().rstrip("/") + "/"


def _check_listing(environment: Environment, source: CaptureSource) -> None:
    if source.folder is None:
        try:
            with aws_errors(f"list {source.url}"):
                environment.s3.list_objects_v2(Bucket=source.bucket, Prefix=source.prefix, MaxKeys=1)
        except NotFound as error:
            raise NotFound(f"Bucket {source.bucket} does not exist. Check its name.") from error


def _checked_labels(labels: Sequence[str]) -> tuple[str, ...]:
    named = tuple(label.strip() for label in labels)
    if len(named) > _MOST_LABELS:
        raise InvalidCaptureSource(f"{len(named):,} classes are too many to name. Name at most {_MOST_LABELS:,}.")
    for label in named:
        if not label or len(label) > _LONGEST_LABEL or not label.isprintable():
            raise InvalidCaptureSource(
                f"{label[:_LONGEST_LABEL]!r} is no name for a class. Use 1 to {_LONGEST_LABEL} printable characters."
            )
    if len(set(named)) < len(named):
        raise InvalidCaptureSource("Two classes have the same name. Give each its own.")
    return named


def _path(environment: Environment) -> Path:
    """Beside the cache, which may be deleted: nothing else knows what is kept here."""
    return environment.settings.state_dir / "sources" / f"{environment.cache_dir.name}.json"


def _read(environment: Environment) -> list[CaptureSource]:
    path = _path(environment)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigurationError(
            f"The list of capture sources in {path} cannot be read ({error}). Mend that file, or delete it and add the "
            "sources again."
        ) from error
    return [CaptureSource(kept.url, tuple(kept.labels)) for kept in found.sources]


@contextmanager
def _changing(environment: Environment) -> Iterator[list[CaptureSource]]:
    """The list of sources, to be changed; it is kept at the end. One at a time, in any process."""
    path = _path(environment)
    make_private_folder(path.parent)
    with path.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = _read(environment)
        yield kept
        content = _File([_Kept(source.url, list(source.labels)) for source in kept])
        _write(path, msgspec.json.format(msgspec.json.encode(content)))


def _write(path: Path, content: bytes) -> None:
    """All of it, or nothing, whenever the machine stops."""
    replacement = path.with_suffix(".new")
    with replacement.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    replacement.replace(path)
