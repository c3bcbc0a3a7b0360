"""Downloading, against servers of the test's own on 127.0.0.1."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from backend.errors import InvalidArchive, SourceUnavailable
from backend.progress import no_progress
from backend.settings import Settings
from backend.staging import UniversityDownload, download, fetch
from backend.staging.cifar import CifarBatch
from backend.staging.download import check_md5, download_archive
from backend.staging.extract import get_archive, read_source
from tests.backend.staging.archives import MakeArchive

BODY = bytes(range(256)) * 4096  # 1 MB


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries again at once."""
    monkeypatch.setattr(download, "_FIRST_PAUSE_SECONDS", 0.0)


Answer = Callable[[BaseHTTPRequestHandler], None]
Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that gives these answers, one a request, the last one for good; returns its URL."""
    servers: list[ThreadingHTTPServer] = []

    def start(*answers: Answer) -> str:
        queue = list(answers)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with suppress(ConnectionError):  # the client may leave early
                    (queue.pop(0) if len(queue) > 1 else queue[0])(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Nothing: the test's output is for its own lines."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return f"http://127.0.0.1:{server.server_port}/data/cifar-100-python.tar.gz"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def send(body: bytes = BODY, status: int = 200, length: int | None = None, **headers: str) -> Answer:
    """An answer with this body; `length` is what it claims."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in ({"Content-Length": str(len(body) if length is None else length)} | headers).items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def resume(request: BaseHTTPRequestHandler, end: int = len(BODY)) -> None:
    """Sends what is missing, as a server does that supports ranges and holds version "v1"; breaks off at the end."""
    start = int(request.headers["Range"].removeprefix("bytes=").rstrip("-"))
    if request.headers["If-Range"] == '"v1"':
        content_range = f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"
        send(BODY[start:end], 206, len(BODY) - start, ETag='"v1"', Content_Range=content_range)(request)
    else:
        send(ETag='"v2"')(request)


def files(folder: Path) -> list[str]:
    return sorted(path.name.partition("-")[2] for path in folder.glob("*"))


def test_the_file_is_what_the_server_sent(serve: Serve, tmp_path: Path) -> None:
    path = download_archive(serve(send()), tmp_path / "downloads", no_progress)
    assert path.read_bytes() == BODY
    assert files(tmp_path / "downloads") == ["cifar-100-python.tar.gz"]


def test_progress_ends_at_one_and_never_falls(serve: Serve, tmp_path: Path) -> None:
    fractions: list[float] = []
    download_archive(serve(send()), tmp_path, lambda fraction, _message: fractions.append(fraction))
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(fractions) >= 4  # 256 kB at most


def test_a_body_of_unknown_length_is_taken_as_it_comes(serve: Serve, tmp_path: Path) -> None:
    def until_closed(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(BODY)

    assert download_archive(serve(until_closed), tmp_path, no_progress).read_bytes() == BODY


def test_a_file_that_is_there_is_not_downloaded_again(serve: Serve, tmp_path: Path) -> None:
    url = serve(send(), send(status=500))
    first = download_archive(url, tmp_path, no_progress)
    assert download_archive(url, tmp_path, no_progress) == first


def test_two_addresses_never_share_a_file(serve: Serve, tmp_path: Path) -> None:
    one, other = serve(send(b"one")), serve(send(b"other"))
    download_archive(one, tmp_path, no_progress)
    assert download_archive(other, tmp_path, no_progress).read_bytes() == b"other"


@pytest.mark.parametrize(("status", "words"), [(404, "404 Not Found"), (403, "403 Forbidden"), (503, "503 Service")])
def test_a_refusal_is_named(serve: Serve, tmp_path: Path, status: int, words: str) -> None:
    with pytest.raises(SourceUnavailable, match=f"{words}.*SCONES_DATASET_URL.*offline sample"):
        download_archive(serve(send(b"no", status)), tmp_path, no_progress)
    assert files(tmp_path) == []


def test_a_truncated_body_is_never_taken_for_the_file(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="broke off"):
        download_archive(serve(send(BODY[:5000], length=len(BODY))), tmp_path, no_progress)
    assert files(tmp_path) == ["cifar-100-python.tar.gz.part"]


def test_a_download_that_broke_off_is_resumed(serve: Serve, tmp_path: Path) -> None:
    url = serve(send(BODY[:600_000], length=len(BODY), ETag='"v1"'), resume)
    assert download_archive(url, tmp_path, no_progress).read_bytes() == BODY
    assert files(tmp_path) == ["cifar-100-python.tar.gz"]


def test_what_an_earlier_download_left_is_gone_on_with(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = serve(send(BODY[:600_000], length=len(BODY), ETag='"v1"'), resume)
    with monkeypatch.context() as patch, pytest.raises(SourceUnavailable, match="broke off"):
        patch.setattr(download, "_ATTEMPTS", 1)
        download_archive(url, tmp_path, no_progress)
    assert files(tmp_path) == ["cifar-100-python.tar.gz.part", "cifar-100-python.tar.gz.part.version"]
    assert download_archive(url, tmp_path, no_progress).read_bytes() == BODY
    assert files(tmp_path) == ["cifar-100-python.tar.gz"]


def test_each_attempt_that_brings_it_further_allows_for_others(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_ATTEMPTS", 2)
    cut = [lambda request, end=end: resume(request, end) for end in range(200_000, 1_000_000, 100_000)]
    url = serve(send(BODY[:100_000], length=len(BODY), ETag='"v1"'), *cut, resume)
    assert download_archive(url, tmp_path, no_progress).read_bytes() == BODY


def test_a_server_that_knows_no_ranges_starts_over(serve: Serve, tmp_path: Path) -> None:
    url = serve(send(b"x" * 600_000, length=len(BODY), ETag='"v1"'), send(ETag='"v1"'))
    assert download_archive(url, tmp_path, no_progress).read_bytes() == BODY


def test_a_part_that_was_not_asked_for_is_not_taken(serve: Serve, tmp_path: Path) -> None:
    wrong = send(BODY[500_000:], 206, ETag='"v1"', Content_Range=f"bytes 500000-{len(BODY) - 1}/{len(BODY)}")
    url = serve(send(BODY[:600_000], length=len(BODY), ETag='"v1"'), wrong, send())
    assert download_archive(url, tmp_path, no_progress).read_bytes() == BODY


@pytest.mark.parametrize(("changed", "asks"), [("Sat, 31 Jan 2026 09:30:00 GMT", True), (None, False)])
def test_a_date_tells_a_version_when_it_is_long_past(
    serve: Serve, tmp_path: Path, changed: str | None, asks: bool
) -> None:
    """Of a file that was changed when it was sent there may be another one of the same second."""
    asked: list[str | None] = []

    def first(request: BaseHTTPRequestHandler) -> None:
        send(BODY[:600_000], length=len(BODY), Last_Modified=changed or request.date_time_string())(request)

    def then(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.headers["If-Range"])
        send()(request)

    assert download_archive(serve(first, then), tmp_path, no_progress).read_bytes() == BODY
    assert asked == [changed if asks else None]


def test_a_body_in_pieces_that_breaks_off_is_not_taken_for_whole(serve: Serve, tmp_path: Path) -> None:
    def break_off(request: BaseHTTPRequestHandler) -> None:
        request.protocol_version = "HTTP/1.1"
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        request.wfile.write(b"5\r\nabcde\r\n")
        request.close_connection = True

    assert download_archive(serve(break_off, send()), tmp_path, no_progress).read_bytes() == BODY


def test_a_busy_server_is_asked_again_when_it_says(serve: Serve, tmp_path: Path) -> None:
    said: list[str] = []

    def cancel_at_pause(_fraction: float, message: str) -> None:
        said.append(message)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download_archive(serve(send(b"", 503, Retry_After="7")), tmp_path, cancel_at_pause)
    assert said == ["The server answered 503 Service Unavailable. Trying again in 7 s."]


def test_a_busy_server_that_is_free_again_sends_the_file(serve: Serve, tmp_path: Path) -> None:
    url = serve(send(b"", 503), send(b"", 429), send(b"", 502), send())
    assert download_archive(url, tmp_path, no_progress).read_bytes() == BODY


def test_a_busy_server_in_the_middle_loses_nothing(serve: Serve, tmp_path: Path) -> None:
    url = serve(send(BODY[:600_000], length=len(BODY), ETag='"v1"'), send(b"busy", 503), resume)
    assert download_archive(url, tmp_path, no_progress).read_bytes() == BODY


def test_a_refusal_is_not_asked_again(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="404"):
        download_archive(serve(send(b"no", 404), send()), tmp_path, no_progress)


def test_a_slow_server_is_seen_byte_by_byte(serve: Serve, tmp_path: Path) -> None:
    seen = threading.Event()

    def trickle(request: BaseHTTPRequestHandler) -> None:
        send(BODY[:1000], length=len(BODY))(request)
        request.wfile.flush()
        in_time.append(seen.wait(5))
        request.wfile.write(BODY[1000:])

    in_time: list[bool] = []
    said: list[str] = []

    def see(_fraction: float, message: str) -> None:
        said.append(message)
        seen.set()

    assert download_archive(serve(trickle), tmp_path, see).read_bytes() == BODY
    assert in_time == [True]
    assert said[0] == "Downloaded 0.0 of 1.0 MB."


def test_a_packed_file_that_is_called_an_encoding_stays_packed(serve: Serve, tmp_path: Path) -> None:
    """As Apache's AddEncoding does for names that end in .gz."""
    packed = gzip.compress(BODY)
    assert download_archive(serve(send(packed, Content_Encoding="gzip")), tmp_path, no_progress).read_bytes() == packed


def test_a_file_that_changed_meanwhile_is_downloaded_from_its_start(serve: Serve, tmp_path: Path) -> None:
    url = serve(send(b"x" * 600_000, length=len(BODY), ETag='"v0"'), resume)
    assert download_archive(url, tmp_path, no_progress).read_bytes() == BODY


def test_a_file_without_a_strong_version_is_downloaded_from_its_start(serve: Serve, tmp_path: Path) -> None:
    url = serve(send(b"x" * 600_000, length=len(BODY), ETag='W/"v1"'), send())
    assert download_archive(url, tmp_path, no_progress).read_bytes() == BODY


def test_a_range_that_the_server_refuses_starts_anew(serve: Serve, tmp_path: Path) -> None:
    url = serve(send(BODY[:600_000], length=len(BODY), ETag='"v1"'), send(b"", 416), send())
    assert download_archive(url, tmp_path, no_progress).read_bytes() == BODY


def test_a_server_that_hangs_is_given_up(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "READ_SECONDS", 0.2)
    given_up = threading.Event()
    with pytest.raises(SourceUnavailable, match="did not answer in time"):
        download_archive(serve(lambda _request: given_up.wait(10) and None), tmp_path, no_progress)
    given_up.set()


def test_a_server_that_stops_sending_is_given_up(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "READ_SECONDS", 0.2)
    given_up = threading.Event()

    def stall(request: BaseHTTPRequestHandler) -> None:
        send(BODY[:5000], length=len(BODY))(request)
        request.wfile.flush()
        given_up.wait(10)

    with pytest.raises(SourceUnavailable, match="stopped sending"):
        download_archive(serve(stall), tmp_path, no_progress)
    given_up.set()


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"127.0.0.1:9/a.tar.gz cannot be reached.*network"):
        download_archive("http://127.0.0.1:9/a.tar.gz", tmp_path, no_progress)


def test_a_host_name_that_nobody_knows_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="cannot be reached"):
        download_archive("http://scones.invalid/a.tar.gz", tmp_path, no_progress)


@pytest.mark.parametrize("url", ["cifar.tar.gz", "ftp://example.org/a.tar.gz", "http://"])
def test_what_is_no_web_address_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(SourceUnavailable, match="Check SCONES_DATASET_URL"):
        download_archive(url, tmp_path, no_progress)


def test_more_than_an_archive_can_have_is_refused(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_MAX_BYTES", 1 << 19)
    with pytest.raises(SourceUnavailable, match="sends more than"):
        download_archive(serve(send()), tmp_path, no_progress)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_named(serve: Serve, tmp_path: Path) -> None:
    url = serve(send())
    path = download_archive(url, tmp_path, no_progress)
    path.unlink()
    path.with_name(f"{path.name}.part").symlink_to("/dev/full")
    with pytest.raises(SourceUnavailable, match=r"No space left on device.*Free 200 MB"):
        download_archive(url, tmp_path, no_progress)


def test_a_folder_that_cannot_be_made_is_named(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SourceUnavailable, match=r"cannot be written to .*file"):
        download_archive(serve(send()), tmp_path / "file" / "downloads", no_progress)


def test_a_cancelled_download_leaves_no_file_under_its_name(serve: Serve, tmp_path: Path) -> None:
    def cancel(_fraction: float, _message: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download_archive(serve(send()), tmp_path, cancel)
    assert files(tmp_path) == ["cifar-100-python.tar.gz.part"]


def test_a_wrong_file_is_refused_and_asked_for_again_the_next_time(
    serve: Serve, tmp_path: Path, make_archive: MakeArchive, small_cifar: dict[str, bytes]
) -> None:
    source = UniversityDownload(
        serve(send(b"<html>Please log in</html>"), send(make_archive(small_cifar).read_bytes()))
    )

    def read() -> dict[str, CifarBatch]:
        archive = get_archive(source, ("bicycle", "motorcycle"), tmp_path / "downloads", no_progress)
        return read_source(source, archive, no_progress)

    with pytest.raises(InvalidArchive, match="is no archive"):
        read()
    batches = read()
    assert batches["train"].fine_labels.tolist() == [8, 48, 8, 48]


def test_what_is_not_the_universitys_archive_is_told_by_its_sum(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    path.write_bytes(b"abc")
    with pytest.raises(InvalidArchive, match="900150983cd24fb0d6963f7d28e17f72"):  # RFC 1321 gives this sum
        check_md5(path)


def test_the_setting_for_the_address_is_the_universitys() -> None:
    assert UniversityDownload(Settings.model_fields["dataset_url"].default) == UniversityDownload()
