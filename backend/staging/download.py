"""Downloading an archive: whole or not at all, resumed where it broke off, and never twice."""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests

from backend.errors import InvalidArchive, SourceUnavailable
from backend.private import make_private_folder
from backend.progress import Progress

UNIVERSITY_URL = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
_UNIVERSITY_MD5 = "eb9058c3a382ffc7106e4002c42a8d85"  # as torchvision gives it for this archive
CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
_MAX_BYTES = 512 << 20  # the original has 169 MB
_CHUNK_BYTES = 256 << 10
_ADVICE = "Try again later, or choose an archive on this machine or the offline sample."


def download_archive(url: str, folder: Path, progress: Progress) -> Path:
    """Download an archive into a folder, unless it is there from an earlier time; returns the file.

    A download that broke off leaves a `.part` file, continued the next time where the server has the same version.
    Raises SourceUnavailable when the server cannot be reached, refuses or breaks off, or the disk is full.
    """
    path = folder / f"{hashlib.sha256(url.encode()).hexdigest()[:12]}-{_file_name(url)}"
    if not path.exists():
        part = path.with_name(f"{path.name}.part")
        with _download_errors(url, folder):
            make_private_folder(folder)
            _fetch(url, part, part.with_name(f"{part.name}.etag"), progress)
            part.replace(path)
    return path


def check_md5(path: Path) -> None:
    """Raise InvalidArchive unless this file is the university's archive, byte for byte."""
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if md5 != _UNIVERSITY_MD5:
        raise InvalidArchive(f"What {UNIVERSITY_URL} sent is not the known archive: its MD5 sum is {md5}. {_ADVICE}")


def _fetch(url: str, part: Path, etag_file: Path, progress: Progress) -> None:
    """Bring the partial file to its full length."""
    headers = {"Accept-Encoding": "identity"}  # the bytes of the file, not packed a second time
    if part.exists() and etag_file.exists():
        headers |= {"Range": f"bytes={part.stat().st_size}-", "If-Range": etag_file.read_text()}
    with requests.get(url, headers=headers, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            etag_file.unlink()
            return _fetch(url, part, etag_file, progress)
        response.raise_for_status()
        is_resumed = response.status_code == requests.codes.partial_content
        if not is_resumed:
            _keep_etag(response, etag_file)
        _write(response, part, "ab" if is_resumed else "wb", progress)
    return etag_file.unlink(missing_ok=True)


def _keep_etag(response: requests.Response, etag_file: Path) -> None:
    """Remember which version the partial file is of; a weak ETag does not tell versions apart."""
    etag = response.headers.get("ETag", "W/")
    if etag.startswith("W/"):
        etag_file.unlink(missing_ok=True)
    else:
        etag_file.write_text(etag)


def _write(response: requests.Response, part: Path, mode: str, progress: Progress) -> None:
    with part.open(mode) as file:
        done = file.tell()
        total = done + (response.raw.length_remaining or 0)  # 0 where the server does not say
        for chunk in response.iter_content(_CHUNK_BYTES):
            done += file.write(chunk)
            if done > _MAX_BYTES:
                raise SourceUnavailable(
                    f"{response.url} sends more than {_MAX_BYTES >> 20} MB: no CIFAR-100. {_ADVICE}"
                )
            progress(min(done / total, 1.0) if total else 0.0, f"Downloaded {done / 1e6:,.1f} MB.")


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
    except requests.exceptions.ChunkedEncodingError as error:
        raise SourceUnavailable(f"The download of {url} broke off. {_ADVICE}") from error
    except requests.ConnectionError as error:
        raise SourceUnavailable(
            f"{url} cannot be reached, or stopped sending: is there a network? {_ADVICE}"
        ) from error
    except requests.RequestException as error:
        raise SourceUnavailable(f"{url} cannot be downloaded ({error}). Check SCONES_DATASET_URL. {_ADVICE}") from error
    except OSError as error:
        cure = "Free 200 MB on the disk" if error.errno == errno.ENOSPC else "Make the folder writable"
        raise SourceUnavailable(f"The download cannot be written to {folder} ({error.strerror}). {cure}.") from error


def _file_name(url: str) -> str:
    """The URL's last part, safe as a file name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", urlsplit(url).path.rpartition("/")[2])[-100:] or "archive"
