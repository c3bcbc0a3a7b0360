"""Where a source's files are: a bucket in S3, through obstore, or a folder on this machine. Nobody else knows which."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import obstore
from botocore.exceptions import BotoCoreError, ClientError
from obstore.exceptions import BaseError, InvalidPathError, PreconditionError
from obstore.store import MemoryStore, S3Store

from backend.aws.environment import Environment, Session
from backend.aws.errors import error_code, is_missing
from backend.aws.object_store import open_store
from backend.errors import CaptureMissing, CaptureUnavailable
from backend.monitoring.layout import recognise
from backend.monitoring.plain import EARLIEST
from backend.monitoring.sources import CaptureSource, project_source

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PAGE_KEYS = 1000  # the most that S3 lists in one request
_DEEPEST = 32
"""Folders below a local source that are looked into."""
_NO_LINKS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_REPLACED = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
"""How opening fails what was listed, but is deleted or a link now."""
_making_clients = threading.Lock()


class Stored(NamedTuple):
    """A file as a listing has it; `size` in bytes."""

    key: str
    etag: str
    delivered_at: datetime
    size: int


@dataclass(frozen=True, slots=True)
class Unrecognised:
    """What is no capture file: its key, in which what cannot be printed is escaped."""

    name: str

    @classmethod
    def of(cls, key: str) -> Unrecognised:
        return cls(key if key.isprintable() else ascii(key)[1:-1])


class Place(Protocol):
    """A source that was opened. Its calls may come from several threads."""

    @property
    def prefix(self) -> str:
        """What all its keys begin with: "", or ending in a slash."""

    def files(self, after: str = "") -> Iterator[Stored | Unrecognised]:
        """The files with keys behind this one, in the order of their keys; raises CaptureUnavailable."""

    def read(self, key: str, etag: str, span: tuple[int, int] | None = None) -> bytes:
        """A file, or its bytes from the first number on up to the second, as far as there are any.

        Raises CaptureMissing when it is not that version any more, CaptureUnavailable when it cannot be read.
        """


def open_place(environment: Environment, source: CaptureSource) -> Place:
    """A source's files, with the environment's credentials and endpoint; raises CaptureUnavailable.

    A bucket that was opened just before is the same again, with its connections.
    """
    if source.folder is not None:
        return FolderPlace(source.folder)
    is_own = source.url == project_source(environment).url
    return _open_bucket(environment.session, environment.s3, source.url, is_own=is_own)


@lru_cache(maxsize=16)
def _open_bucket(session: Session, client: S3Client, url: str, *, is_own: bool) -> BucketPlace:
    """Kept by the client, of which there is another one when the embedded AWS has moved."""
    source = CaptureSource(url)
    client = client if is_own else _client_for(session, client, source)
    store = open_store(session, client, source.bucket)

    def list_page(after: str) -> list[Stored]:
        page = client.list_objects_v2(Bucket=source.bucket, Prefix=source.prefix, StartAfter=after)
        return [
            Stored(item["Key"], item["ETag"], item["LastModified"].astimezone(UTC), item["Size"])
            for item in page.get("Contents", [])
        ]

    return BucketPlace(store, source.prefix, source.name, list_page, may_be_missing=is_own)


@dataclass(frozen=True)
class BucketPlace:
    """The objects below a prefix."""

    store: S3Store | MemoryStore
    prefix: str = ""
    name: str = "the bucket"
    list_page: Callable[[str], list[Stored]] | None = None
    """The next objects behind a key, [] at the end, through what takes any key: boto3."""
    may_be_missing: bool = False
    """Whether a bucket that does not exist is empty: ours, before it is made."""

    def files(self, after: str = "") -> Iterator[Stored | Unrecognised]:
        last = after
        while True:
            try:
                for item in self._list(last):
                    if item.key > last:
                        last = item.key
                        yield item
                    elif item.size:  # its key ends in a slash, which obstore leaves out: so it stands elsewhere
                        yield Unrecognised.of(item.key)
                return
            except (InvalidPathError, ValueError):
                # One key that obstore cannot take, such as one with a newline, ends its listing, or is `last`.
                passed = self._list_page(last)
            yield from passed
            if not passed:
                return
            last = passed[-1].key

    def _list(self, after: str) -> Iterator[Stored]:
        with self._listing_errors():
            pages = obstore.list(self.store, self.prefix or None, offset=after or None, chunk_size=_PAGE_KEYS)
            for page in pages:
                for meta in page:
                    yield Stored(meta["path"], meta["e_tag"] or "", meta["last_modified"], meta["size"])

    def _list_page(self, after: str) -> list[Stored]:
        assert self.list_page is not None  # noqa: S101  only S3 has such keys
        with self._listing_errors():
            return self.list_page(after)

    def read(self, key: str, etag: str, span: tuple[int, int] | None = None) -> bytes:
        options: Any = {"if_match": etag} | ({"range": span} if span else {})
        try:
            return bytes(obstore.get(self.store, key, options=options).bytes())
        except (FileNotFoundError, PreconditionError) as error:
            raise _missing(key) from error
        except BaseError as error:
            if span and _is_behind_the_end(error):
                return b""
            raise CaptureUnavailable(f"Capture file {key} cannot be read: {_first_line(error)}. Try again.") from error

    @contextmanager
    def _listing_errors(self) -> Iterator[None]:
        try:
            yield
        except InvalidPathError:
            raise
        except (FileNotFoundError, BaseError, ClientError, BotoCoreError) as error:
            if not _is_missing_bucket(error):
                raise _not_listed(self.name, error) from error
            if not self.may_be_missing:
                raise _no_bucket(self.name) from error


@dataclass(frozen=True)
class FolderPlace:
    """The files below a folder; links are not followed: they may lead anywhere, or to what is there already."""

    folder: Path
    prefix = ""

    def files(self, after: str = "") -> Iterator[Stored | Unrecognised]:
        try:
            yield from self._walk("", after)
        except OSError as error:
            raise CaptureUnavailable(
                f"Folder {self.folder} cannot be listed ({error.strerror}). Bring it back, or remove this source."
            ) from error

    def _walk(self, folder: str, after: str) -> Iterator[Stored | Unrecognised]:
        for key, found in self._entries(folder, after):
            if not key.endswith("/"):
                yield Unrecognised.of(key) if found is None else _stored(key, found)
            elif key.count("/") > _DEEPEST:
                yield Unrecognised.of(key)
            else:
                yield from self._walk(key, after)

    def _entries(self, folder: str, after: str) -> list[tuple[str, os.stat_result | None]]:
        """What is in a folder, in the order of the keys: folders end in a slash; None for what is no plain file."""
        try:
            descriptor = self._open(folder.rstrip("/"), os.O_DIRECTORY)
        except OSError as error:
            if folder and error.errno in _REPLACED:
                return []
            raise
        try:
            with os.scandir(descriptor) as entries:
                return sorted((entry for each in entries if (entry := _entry(folder, each, after))), key=lambda e: e[0])
        finally:
            os.close(descriptor)

    def read(self, key: str, etag: str, span: tuple[int, int] | None = None) -> bytes:
        if recognise(key) is None:
            raise _missing(key)
        try:
            with os.fdopen(self._open(key), "rb") as file:
                found = os.fstat(file.fileno())
                if not stat.S_ISREG(found.st_mode) or _etag(found) != etag:
                    raise _missing(key)
                start, stop = span or (0, found.st_size)
                file.seek(start)
                return file.read(stop - start)
        except OSError as error:
            if error.errno in _REPLACED:
                raise _missing(key) from error
            raise CaptureUnavailable(f"Capture file {key} cannot be read ({error.strerror}). Try again.") from error

    def _open(self, key: str, flags: int = 0) -> int:
        """A descriptor of what is at a key, reached through folders alone."""
        at = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        parts = key.split("/") if key else []
        for number, part in enumerate(parts, start=1):
            above = at
            try:
                at = os.open(part, _NO_LINKS | (flags if number == len(parts) else os.O_DIRECTORY), dir_fd=above)
            finally:
                os.close(above)
        return at


def _entry(folder: str, entry: os.DirEntry[str], after: str) -> tuple[str, os.stat_result | None] | None:
    """None for what is not behind that key, or was deleted meanwhile."""
    key = folder + entry.name
    if entry.is_dir(follow_symlinks=False):
        return (f"{key}/", None) if f"{key}0" > after else None  # "0" comes next to "/"
    if key <= after:
        return None
    if not entry.is_file(follow_symlinks=False):
        return key, None
    try:
        return key, entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None


def _stored(key: str, found: os.stat_result) -> Stored:
    modified, changed = (datetime.fromtimestamp(seconds, UTC) for seconds in (found.st_mtime, found.st_ctime))
    # One from before SageMaker was unpacked from an archive that keeps no times.
    delivered_at = modified if modified >= EARLIEST else changed
    return Stored(key, _etag(found), delivered_at, found.st_size)


def _etag(found: os.stat_result) -> str:
    return f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"


def _client_for(session: Session, client: S3Client, source: CaptureSource) -> S3Client:
    """A client of the region in which the source's bucket is, as S3 says to everybody who asks."""
    try:
        headers = client.head_bucket(Bucket=source.bucket)["ResponseMetadata"]["HTTPHeaders"]
    except ClientError as error:
        if is_missing(error):
            raise _no_bucket(source.name) from error
        headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})  # also where it is another's
    except BotoCoreError as error:
        raise _not_listed(source.name, error) from error
    region = headers.get("x-amz-bucket-region", client.meta.region_name)
    if region == client.meta.region_name:
        return client
    with _making_clients:  # which is not safe in threads
        return session.client("s3", region_name=region)


def _not_listed(name: str, error: Exception) -> CaptureUnavailable:
    return CaptureUnavailable(f"The captured records of {name} cannot be listed: {_first_line(error)}. Try again.")


def _no_bucket(name: str) -> CaptureUnavailable:
    return CaptureUnavailable(f"The bucket of {name} does not exist any more. Make it again, or remove this source.")


def _missing(key: str) -> CaptureMissing:
    return CaptureMissing(f"Capture file {key} was deleted or replaced. Refresh the records.")


def _is_missing_bucket(error: Exception) -> bool:
    if isinstance(error, ClientError):
        return error_code(error) == "NoSuchBucket"
    # obstore has no error of its own for it
    return isinstance(error, FileNotFoundError) or "<Code>NoSuchBucket</Code>" in str(error)


def _is_behind_the_end(error: BaseError) -> bool:
    # obstore has no error of its own for it: S3's words, and those of the store in memory
    return "<Code>InvalidRange</Code>" in str(error) or "Wanted range starting at" in str(error)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")
