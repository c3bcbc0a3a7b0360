"""One attempt at bringing a file over HTTP, going on where an earlier one broke off.

Source: RFC 9110, sections 13.1.5 (If-Range), 14 (range requests) and 8.8 (validators).
"""

from __future__ import annotations

import re
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests
from requests.structures import CaseInsensitiveDict

from backend.errors import SourceUnavailable
from backend.progress import Progress
from backend.staging.pace import Pace

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
_MAX_BYTES = 512 << 20  # the original has 169 MB
_CHUNK_BYTES = 256 << 10
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")
_SETTLED = timedelta(seconds=60)
"""Before its sending a file was last changed: by then its date tells versions apart."""


def fetch(url: str, part: Path, progress: Progress) -> None:
    """Bring the partial file to its full length; beside it, `<part>.version` has what tells its version.

    A server that has another version by now, or cannot send a part, sends the whole. Raises as requests and, once it
    sends, as urllib3 does, and SourceUnavailable for a file larger than any archive.
    """
    version = part.with_name(f"{part.name}.version")
    headers = {"Accept-Encoding": "identity"}  # the bytes of the file, not packed a second time
    begin = part.stat().st_size if part.exists() and version.exists() else 0
    if begin:
        headers |= {"Range": f"bytes={begin}-", "If-Range": version.read_text()}
    with requests.get(url, headers=headers, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)) as response:
        if begin and not _goes_on(response, begin):
            version.unlink()
            return fetch(url, part, progress)
        response.raise_for_status()
        if response.status_code != requests.codes.partial_content:
            begin = 0
            _keep_version(response.headers, version)
        _write(response, part, begin, progress)
    return version.unlink(missing_ok=True)


def _goes_on(response: requests.Response, begin: int) -> bool:
    """Whether an answer to a range is the part that was asked for, the whole file, or a failure that says so."""
    if response.status_code == requests.codes.partial_content:
        found = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        return found is not None and int(found[1]) == begin
    return bool(response.status_code != requests.codes.requested_range_not_satisfiable)


def _keep_version(headers: CaseInsensitiveDict[str], version: Path) -> None:
    """Remember which version the partial file is of: by a strong ETag, or a date that is old enough to be one's own."""
    etag = headers.get("ETag", "")
    told = etag if etag.startswith('"') else _settled_date(headers)
    if told:
        version.write_text(told)
    else:
        version.unlink(missing_ok=True)


def _settled_date(headers: CaseInsensitiveDict[str]) -> str | None:
    changed = headers.get("Last-Modified", "")
    try:
        age = parsedate_to_datetime(headers.get("Date", "")) - parsedate_to_datetime(changed)
        return changed if age >= _SETTLED else None
    except (ValueError, TypeError):  # no date, or one with a time zone and one without
        return None


def _write(response: requests.Response, part: Path, begin: int, progress: Progress) -> None:
    """Write what arrives as it does: a slow server is seen to be one, and can be cancelled."""
    with part.open("ab" if begin else "wb") as file:
        total = begin + (response.raw.length_remaining or 0)  # 0 where the server does not say
        pace, done = Pace(total), begin
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False):
            done += file.write(chunk)
            if done > _MAX_BYTES:
                raise SourceUnavailable(
                    f"{response.url} sends more than {_MAX_BYTES >> 20} MB: no CIFAR-100. Check SCONES_DATASET_URL."
                )
            progress(min(done / total, 1.0) if total else 0.0, pace.describe(done))
