"""Many small objects on their way into the bucket at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from queue import SimpleQueue

from backend.progress import Progress
from backend.staging.record import Stored
from backend.staging.transfer import Transfer

_THREADS = 8
_WAITING = 16 * _THREADS  # uploads that are queued: each takes memory, and 60,000 of them 100 MB


@dataclass(frozen=True, slots=True)
class Item:
    """An object to be: its key without the dataset's prefix, what tells its content, and what makes that."""

    path: str
    digest: str
    content: Callable[[], bytes]
    content_type: str

    def has_etag(self, etag: str) -> bool:
        """Whether an ETag is the MD5 sum of the content, as S3 gives one that it encrypts with no key of KMS."""
        return etag == hashlib.md5(self.content(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class _Sent:
    stored: Stored
    uploaded: int | None
    """Bytes; None where it was copied."""


def upload(
    transfer: Transfer, prefix: str, items: Sequence[Item], copies: Mapping[str, str], progress: Progress
) -> dict[str, Stored]:
    """Bring these objects below the prefix; `copies` are keys in the bucket by what tells their content.

    Returns what was stored, by path, without an ETag where it was copied. When one fails or `progress` raises, none is
    begun any more.
    """

    def send(item: Item) -> _Sent:
        key = f"{prefix}{item.path}"
        if item.digest in copies:
            transfer.copy(copies[item.digest], key)
            return _Sent(Stored(item.digest, ""), None)
        content = item.content()
        return _Sent(Stored(item.digest, transfer.put(key, content, item.content_type)), len(content))

    stored: dict[str, Stored] = {}
    uploaded = size = 0
    with closing(_in_parallel(send, items)) as sending:
        for item, sent in sending:
            stored[item.path] = sent.stored
            if sent.uploaded is not None:
                uploaded, size = uploaded + 1, size + sent.uploaded
            progress(len(stored) / len(items), _sentence(len(items), uploaded, size, len(stored) - uploaded))
    return stored


def _in_parallel(send: Callable[[Item], _Sent], items: Sequence[Item]) -> Generator[tuple[Item, _Sent], None, None]:
    """Each with what was sent, as they are done; whoever looks at no more has to close it."""
    waiting: dict[Future[_Sent], Item] = {}
    done: SimpleQueue[Future[_Sent]] = SimpleQueue()
    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            for item in items:
                future = pool.submit(send, item)
                waiting[future] = item
                future.add_done_callback(done.put)
                if len(waiting) >= _WAITING:
                    future = done.get()
                    yield waiting.pop(future), future.result()
            while waiting:
                future = done.get()
                yield waiting.pop(future), future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _sentence(total: int, uploaded: int, size: int, copied: int) -> str:
    said = f"Uploaded {uploaded:,} of {total - copied:,} files, {size / 1e6:.1f} MB."
    return f"{said} Copied {copied:,} that the dataset before has too." if copied else said
