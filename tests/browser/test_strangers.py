"""Who must not get at the app, in a browser: pages of other ports and names, frames, and people without the token."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from tests.browser.conftest import served
from tests.browser.driving import go_to, heading
from tests.browser.serving import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.browser

TOKEN = "known-to-those-who-saw-it-printed"

# Speaks as Streamlit's own page does: asks for a run of the script, and waits for what it draws.
_SOCKET = """([url, first]) => new Promise(resolve => {
    const socket = new WebSocket(url, ["streamlit"]);
    socket.onopen = () => socket.send(Uint8Array.from(atob(first), letter => letter.charCodeAt(0)));
    socket.onmessage = () => resolve("answered");
    socket.onclose = () => resolve("refused");
})"""
_PICTURE = """url => new Promise(resolve => {
    const picture = new Image();
    picture.onload = () => resolve("shown");
    picture.onerror = () => resolve("refused");
    picture.src = url;
})"""
_REQUESTS = """url => Promise.all(
    ["no-cors", "cors"].flatMap(mode => ["GET", "POST", "PUT", "DELETE"].map(method =>
        fetch(url, {method, mode, credentials: "include"}).then(answer => [method, answer.type], () => null)))
).then(answers => answers.filter(answer => answer !== null))"""
_FRAME = """url => new Promise(resolve => {
    const frame = document.createElement("iframe");
    frame.onload = () => resolve();
    frame.src = url;
    document.body.append(frame);
})"""


@dataclass
class Stranger:
    """A page that the app has not made, and the status of each answer of the app that the browser let through."""

    page: Page
    app: Server
    statuses: list[int]

    def opens_socket(self, url: str | None = None) -> bool:
        return opens_socket(self.page, url or self.app.url)


class _ForeignPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!DOCTYPE html><title>Another page</title><body>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def foreign_port() -> Iterator[int]:
    """A port of this machine where somebody else serves a page."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _ForeignPage) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield server.server_port
        server.shutdown()
        serving.join()


@pytest.fixture(scope="module")
def server(survivor_server: Server) -> Server:
    """The app as it is on a laptop, without a token, with pictures in it."""
    return survivor_server


@pytest.fixture(scope="module")
def picture_url(tab: Page) -> str:
    """The address of a picture that the app shows, for as long as somebody looks at it."""
    go_to(tab, "Data staging")
    picture = tab.get_by_test_id("stMain").locator("img").first
    picture.wait_for()
    return str(picture.evaluate("picture => picture.src"))


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app with a token."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCONES_TOKEN", TOKEN)
        yield from served(tmp_path_factory.mktemp("closed"))


@pytest.fixture(scope="module")
def elsewhere(browser: Browser, server: Server) -> Iterator[Stranger]:
    """A tab of a browser that no test shows the app in before the last: one for all of them."""
    context = browser.new_context()
    yield visiting(context, server, "about:blank")
    context.close()


@pytest.fixture(params=["127.0.0.1", "localhost", "evil.test"])
def stranger(request: pytest.FixtureRequest, elsewhere: Stranger, foreign_port: int) -> Stranger:
    elsewhere.page.goto(f"http://{request.param}:{foreign_port}/")
    elsewhere.statuses.clear()
    return elsewhere


@pytest.fixture(scope="module")
def visitor(browser: Browser, closed: Server) -> Iterator[BrowserContext]:
    """One browser for all, as each that is new compiles the whole app before it shows it."""
    context = browser.new_context(base_url=closed.url)
    yield context
    context.close()


@pytest.fixture
def context(visitor: BrowserContext) -> Iterator[BrowserContext]:
    """A browser that knows no cookie of the app, as if it had not been there with the token before."""
    yield visitor
    visitor.clear_cookies()
    for page in visitor.pages:
        page.close()


def visiting(context: BrowserContext, app: Server, url: str) -> Stranger:
    """Open that page, and note what it gets of the app."""
    page, statuses = context.new_page(), list[int]()
    page.goto(url)
    port = app.url.rpartition(":")[2]
    page.on("response", lambda answer: statuses.append(answer.status) if f":{port}/" in answer.url else None)
    return Stranger(page, app, statuses)


def admit(context: BrowserContext) -> None:
    """Let this browser in: it has the cookie once it has shown the token, though it be for a picture."""
    context.new_page().goto(f"/favicon.png?token={TOKEN}")


def opens_socket(page: Page, app_url: str) -> bool:
    """Whether a page can have the app run its script, and see what it draws."""
    message = BackMsg()
    message.rerun_script.query_string = ""
    first = base64.b64encode(message.SerializeToString()).decode()
    return bool(page.evaluate(_SOCKET, [f"ws{app_url.removeprefix('http')}/_stcore/stream", first]) == "answered")


def test_its_own_page_opens_the_socket_and_shows_the_picture(tab: Page, server: Server, picture_url: str) -> None:
    assert "/media/" in picture_url
    assert tab.evaluate(_PICTURE, picture_url) == "shown"
    assert opens_socket(tab, server.url)


def test_another_page_does_not_drive_the_app(stranger: Stranger) -> None:
    assert not stranger.opens_socket()
    assert not stranger.opens_socket(stranger.app.url.replace("127.0.0.1", "localhost"))


def test_another_page_does_not_show_the_apps_pictures(stranger: Stranger, picture_url: str) -> None:
    assert stranger.page.evaluate(_PICTURE, picture_url) == "refused"
    assert stranger.page.evaluate(_PICTURE, f"{stranger.app.url}/favicon.png") == "refused"
    assert stranger.statuses == []


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/_stcore/host-config", "/_stcore/upload_file/a/b"])
def test_nothing_that_another_page_asks_or_uploads_is_answered(stranger: Stranger, path: str) -> None:
    assert stranger.page.evaluate(_REQUESTS, f"{stranger.app.url}{path}") == []
    assert set(stranger.statuses) <= {403}


def test_another_page_does_not_post_a_form(stranger: Stranger) -> None:
    form = f'<form method="post" action="{stranger.app.url}/_stcore/upload_file/a/b"><button>Send</button></form>'
    stranger.page.set_content(form)
    with stranger.page.expect_navigation() as navigation:
        stranger.page.get_by_role("button").click()
    assert navigation.value is not None
    assert navigation.value.status == 403


def test_another_page_does_not_frame_the_app(stranger: Stranger) -> None:
    stranger.page.evaluate(_FRAME, f"{stranger.app.url}/cleanup")
    assert stranger.statuses == [403]
    stranger.page.frames[-1].wait_for_url("chrome-error://chromewebdata/")


def test_another_page_may_link_to_a_page_of_the_app(stranger: Stranger) -> None:
    stranger.page.set_content(f'<a href="{stranger.app.url}/cleanup">Cleanup</a>')
    stranger.page.get_by_role("link").click()
    heading(stranger.page, "Cleanup").wait_for()


def test_a_name_that_is_led_to_this_machine_gets_nothing(browser: Browser, server: Server) -> None:
    rebound = server.url.replace("127.0.0.1", "evil.test")
    context = browser.new_context()
    page = context.new_page()
    answer = page.goto(f"{rebound}/cleanup")
    assert answer is not None
    assert answer.status == 403
    assert page.evaluate("async () => (await fetch('/_stcore/health')).status") == 403
    assert not opens_socket(page, rebound)
    context.close()


def test_without_the_token_a_page_says_where_it_is(context: BrowserContext, closed: Server) -> None:
    page = context.new_page()
    answer = page.goto("/data_staging?token=guessed")
    assert answer is not None
    assert answer.status == 403
    heading(page, "This app asks for its token").wait_for()
    assert not opens_socket(page, closed.url)
    assert page.evaluate(_PICTURE, "/favicon.png") == "refused"


def test_the_address_with_the_token_opens_its_page_and_loses_the_token(context: BrowserContext, closed: Server) -> None:
    page = context.new_page()
    page.goto(f"/data_staging?token={TOKEN}&from=a%20link")
    heading(page, "Data staging").wait_for()
    assert page.url == f"{closed.url}/data_staging?from=a%20link"
    assert "scones" not in page.evaluate("document.cookie")
    page.reload()
    heading(page, "Data staging").wait_for()
    other = context.new_page()
    other.goto("/cleanup")
    heading(other, "Cleanup").wait_for()


@pytest.mark.parametrize("host", ["127.0.0.1", "evil.test"])
def test_another_page_gets_nothing_in_a_browser_that_has_the_cookie(
    context: BrowserContext, closed: Server, foreign_port: int, host: str
) -> None:
    admit(context)
    stranger = visiting(context, closed, f"http://{host}:{foreign_port}/")
    assert not stranger.opens_socket()
    assert stranger.page.evaluate(_PICTURE, f"{closed.url}/favicon.png") == "refused"


@pytest.mark.parametrize("path", ["/cleanup", f"/cleanup?token={TOKEN}"])
def test_a_link_of_another_site_opens_the_app_for_who_has_the_token(
    context: BrowserContext, closed: Server, foreign_port: int, path: str
) -> None:
    admit(context)
    page = visiting(context, closed, f"http://evil.test:{foreign_port}/").page
    page.set_content(f'<a href="{closed.url}{path}">Cleanup</a>')
    page.get_by_role("link").click()
    heading(page, "Cleanup").wait_for()
    assert page.url == f"{closed.url}/cleanup"
