"""Downloading an archive: whole or not at all, gone on with where it broke off, and never twice."""

from __future__ import annotations

import errno
import hashlib
import math
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError as BrokenTransfer

from backend.errors import InvalidArchive, SourceUnavailable
from backend.private import make_private_folder
from backend.progress import Progress
from backend.staging.fetch import fetch

UNIVERSITY_URL = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
_UNIVERSITY_MD5 = "eb9058c3a382ffc7106e4002c42a8d85"  # as torchvision gives it for this archive
_ATTEMPTS = 5
"""In a row that bring no byte more."""
_FIRST_PAUSE_SECONDS = 1.0  # doubled from attempt to attempt
_LONGEST_PAUSE_SECONDS = 60.0  # whatever a server asks for
_POLL_SECONDS = 0.2  # how soon a cancel is noticed
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that may be another the next time. Source: RFC 9110, RFC 6585, RFC 8470."""
_ADVICE = "Try again later, or choose an archive on this machine or the offline sample."


def download_archive(url: str, folder: Path, progress: Progress) -> Path:
    """Download an archive into a folder, unless it is there from an earlier time; returns the file.

    A connection that breaks off, and a server that is busy, are tried again after some seconds, more each time. What
    is there by then, also of an earlier call, is gone on with where the server has the same version still.
    Raises SourceUnavailable when the server cannot be reached, refuses or breaks off again and again, or the disk is
    full.
    """
    path = _path(url, folder)
    if not path.exists():
        part = path.with_name(f"{path.name}.part")
        with _download_errors(url, folder):
            make_private_folder(folder)
            _fetch_patiently(url, part, progress)
            part.replace(path)
    return path


def find_download(url: str, folder: Path) -> Path | None:
    """The file of an earlier download of this address; None when there is none."""
    path = _path(url, folder)
    return path if path.exists() else None


def check_md5(path: Path) -> None:
    """Raise InvalidArchive unless this file is the university's archive, byte for byte."""
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if md5 != _UNIVERSITY_MD5:
        raise InvalidArchive(f"What {UNIVERSITY_URL} sent is not the known archive: its MD5 sum is {md5}. {_ADVICE}")


def _fetch_patiently(url: str, part: Path, progress: Progress) -> None:
    """Bring the partial file to its full length, in as many attempts as bring it further."""
    reached, most, failures = 0.0, _size(part), 0

    def note(fraction: float, message: str) -> None:
        nonlocal reached
        reached = fraction
        progress(fraction, message)

    while True:
        try:
            return fetch(url, part, note)
        except (requests.RequestException, BrokenTransfer) as error:
            failures = 1 if _size(part) > most else failures + 1
            most = max(most, _size(part))
            if failures >= _ATTEMPTS or not _may_pass(error):
                raise
            _pause(_pause_after(error, failures), lambda message: note(reached, message), _reason(error))


def _may_pass(error: Exception) -> bool:
    """Whether another attempt may end otherwise."""
    if isinstance(error, requests.HTTPError):
        return error.response.status_code in _PASSING
    return isinstance(error, requests.ConnectionError | requests.Timeout | BrokenTransfer)


def _pause_after(error: Exception, failures: int) -> float:
    """For how many seconds to wait: what the server asks for, or twice as long each time."""
    asked = error.response.headers.get("Retry-After", "") if isinstance(error, requests.HTTPError) else ""
    seconds = float(asked) if asked.isdecimal() else _FIRST_PAUSE_SECONDS * 2 ** (failures - 1)
    return min(seconds, _LONGEST_PAUSE_SECONDS)


def _pause(seconds: float, say: Callable[[str], None], reason: str) -> None:
    """Wait, and say so, which may end it."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        say(f"{reason} Trying again in {math.ceil(left)} s.")
        time.sleep(min(_POLL_SECONDS, left))


def _reason(error: Exception) -> str:
    if isinstance(error, requests.HTTPError):
        return f"The server answered {error.response.status_code} {error.response.reason}."
    return "The connection broke off." if isinstance(error, BrokenTransfer) else "The server cannot be reached."


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


@contextmanager
def _download_errors(url: str, folder: Path) -> Iterator[None]:
    """Say in words what keeps an archive from being downloaded."""
    try:
        yield
    except requests.HTTPError as error:
        answer = f"{error.response.status_code} {error.response.reason}"
        raise SourceUnavailable(
            f"The server answered {answer} for {url}. Check SCONES_DATASET_URL. {_ADVICE}"
        ) from error
    except requests.Timeout as error:
        raise SourceUnavailable(f"The server of {url} did not answer in time. {_ADVICE}") from error
    except BrokenTransfer as error:
        raise SourceUnavailable(
            f"The server of {url} broke off, or stopped sending, again and again. {_ADVICE}"
        ) from error
    except requests.ConnectionError as error:
        raise SourceUnavailable(f"{url} cannot be reached: is there a network? {_ADVICE}") from error
    except requests.RequestException as error:
        raise SourceUnavailable(f"{url} cannot be downloaded ({error}). Check SCONES_DATASET_URL. {_ADVICE}") from error
    except OSError as error:
        cure = "Free 200 MB on the disk" if error.errno == errno.ENOSPC else "Make the folder writable"
        raise SourceUnavailable(f"The download cannot be written to {folder} ({error.strerror}). {cure}.") from error


def _path(url: str, folder: Path) -> Path:
    """Two addresses never share a file."""
    return folder / f"{hashlib.sha256(url.encode()).hexdigest()[:12]}-{_file_name(url)}"


def _file_name(url: str) -> str:
    """The URL's last part, safe as a file name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", urlsplit(url).path.rpartition("/")[2])[-100:] or "archive"
