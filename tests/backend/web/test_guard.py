"""The served app, asked from where other web pages ask: no token, and yet only its own pages get an answer."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from tests.backend.web.asking import ask, shake_hands
from tests.backend.web.conftest import Lookups, Served

REFUSAL = "This app answers its own pages only."
PATHS = ["/", "/monitoring?from=1", "/_stcore/health", "/_stcore/host-config", "/media/0123.png", "/favicon.png"]
UPLOAD = "/_stcore/upload_file/session/file"

# what a browser, or a program, sends; PORT stands for the app's own port
FOREIGN = {
    "a name led to this machine": {"Host": "evil.test:PORT"},
    "a name that begins as the own": {"Host": "127.0.0.1.evil.test:PORT"},
    "another port": {"Host": "127.0.0.1:1"},
    "no port": {"Host": "127.0.0.1"},
    "a user before the host": {"Host": "127.0.0.1:PORT@evil.test"},
    "no host": {"Host": None},
    "a page of another port": {"Origin": "http://127.0.0.1:1"},
    "a page of another name of this machine": {"Origin": "http://localhost:PORT"},
    "a page of another scheme": {"Origin": "https://127.0.0.1:PORT"},
    "a page of the internet": {"Origin": "https://evil.test"},
    "a page without an origin": {"Origin": "null"},
    "a picture in a page of the internet": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"},
    "a picture in a page of another port": {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "image"},
    "a frame": {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
}
OWN = {
    "a program": {},
    "the other name": {"Host": "localhost:PORT", "Origin": "http://localhost:PORT"},
    "a name in capitals": {"Host": "LocalHost:PORT"},
    "its own page": {"Origin": "http://127.0.0.1:PORT", "Sec-Fetch-Site": "same-origin"},
    "a person": {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
}
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def at(app: Served, headers: dict[str, str | None]) -> dict[str, str | None]:
    return {name: value and value.replace("PORT", str(app.port)) for name, value in headers.items()}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=list(FOREIGN))
def test_what_comes_from_elsewhere_gets_no_answer(open_app: Served, headers: dict[str, str | None]) -> None:
    for path in PATHS:
        answer = ask(open_app.port, path, at(open_app, headers))
        assert (answer.status, answer.text.startswith(REFUSAL)) == (403, True), path
    for method in ("PUT", "POST", "DELETE", "OPTIONS"):
        answer = ask(open_app.port, UPLOAD, at(open_app, headers) | {"Content-Length": "0"}, method)
        assert (answer.status, answer.text.startswith(REFUSAL)) == (403, True), method


@pytest.mark.parametrize("headers", OWN.values(), ids=list(OWN))
def test_what_is_its_own_passes(open_app: Served, headers: dict[str, str | None]) -> None:
    assert [ask(open_app.port, path, at(open_app, headers)).status for path in PATHS] == [200, 200, 200, 200, 404, 200]


def test_a_second_host_is_refused(open_app: Served) -> None:
    own = f"127.0.0.1:{open_app.port}"
    assert ask(open_app.port, "/", {"Host": own, "host": "evil.test"}).status in (400, 403)


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=list(FOREIGN))
def test_a_websocket_from_elsewhere_does_not_open(open_app: Served, headers: dict[str, str | None]) -> None:
    own = {"Origin": f"http://127.0.0.1:{open_app.port}"}
    assert shake_hands(open_app.port, own | at(open_app, headers)) in (400, 403)


def test_a_websocket_opens_for_its_own_page_and_for_nobody_without_an_origin(open_app: Served) -> None:
    assert shake_hands(open_app.port, {"Origin": f"http://127.0.0.1:{open_app.port}"}) == 101
    assert shake_hands(open_app.port, {}) == 403


def test_to_refuse_an_origin_nothing_is_asked_of_another_machine(open_app: Served, lookups: Lookups) -> None:
    assert shake_hands(open_app.port, {"Origin": "https://evil.test"}) == 403
    assert not lookups.made()


def test_a_link_of_another_site_opens_a_page_but_nothing_behind_it(open_app: Served) -> None:
    assert ask(open_app.port, "/monitoring", LINK).status == 200
    for path in ("/media/0123.png", "/_stcore/health", "/_stcore/host-config"):
        assert ask(open_app.port, path, LINK).status == 403
    assert ask(open_app.port, "/monitoring", LINK | {"Content-Length": "0"}, "POST").status == 403


@pytest.mark.parametrize("path", ["/", "/static/nothing.js", "/media/0123.png", "/_stcore/health", "/_stcore/nothing"])
@pytest.mark.parametrize("headers", [{}, FOREIGN["a frame"]], ids=["answered", "refused"])
def test_every_answer_is_kept_from_frames_and_from_other_pages(
    open_app: Served, path: str, headers: dict[str, str | None]
) -> None:
    given = ask(open_app.port, path, headers).headers
    assert "frame-ancestors 'none'" in given["Content-Security-Policy"]
    assert given["X-Frame-Options"] == "DENY"
    assert given["X-Content-Type-Options"] == "nosniff"
    assert given["Referrer-Policy"] == "same-origin"
    assert given["Cross-Origin-Resource-Policy"] == "same-origin"


def test_the_policy_lets_streamlits_own_script_run_and_no_other(open_app: Served) -> None:
    answer = ask(open_app.port, "/", {})
    directives = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    inline = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in inline}
    assert set(directives["script-src"].split()) == {"'self'", "'wasm-unsafe-eval'"} | hashes
    assert directives["default-src"] == "'self'"
