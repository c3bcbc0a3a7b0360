"""A background job as its visitors see it: live, and the same for everybody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.backend.staging.archives import small_members, write_archive
from tests.browser.conftest import opened, served
from tests.browser.driving import SECOND, await_drawn, button, choose, go_to, heading
from tests.browser.serving import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

_ARCHIVE_BYTES, _PIECE = 256 << 20, bytes(256 << 10)  # progress is told of each piece


@pytest.fixture(scope="module")
def dataset_url() -> Iterator[str]:
    """A server that takes minutes to send an archive: a download is a job that goes on and needs nothing meanwhile."""
    closed = threading.Event()

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(_ARCHIVE_BYTES))
            self.end_headers()
            with suppress(ConnectionError):  # the job was cancelled
                while not closed.wait(0.5):
                    self.wfile.write(_PIECE)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as slow:
        serving = threading.Thread(target=slow.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{slow.server_port}/cifar-100-python.tar.gz"
        closed.set()
        slow.shutdown()
        serving.join()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, dataset_url: str) -> Iterator[Server]:
    """One server for all tests here: each leaves it without a job, and the last alone leaves it with images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCONES_DATASET_URL", dataset_url)
        yield from served(tmp_path_factory.mktemp("sessions"))


@pytest.fixture(scope="module")
def other_tab(browser: Browser, server: Server) -> Iterator[Page]:
    """A tab of another visitor at the same time."""
    yield from opened(browser, server)


@pytest.fixture
def page(tab: Page) -> Page:
    """One visitor for all tests here."""
    return tab


@pytest.fixture
def other_page(other_tab: Page) -> Page:
    """Another visitor."""
    return other_tab


@pytest.fixture(autouse=True)
def no_job_is_left(page: Page) -> Iterator[None]:
    """At the end of a test, cancel the job that still runs, and dismiss it."""
    yield
    open_page(page)
    cancel, dismiss = button(page, "Cancel"), page.locator("[class*=st-key-staging-dismiss] button").first
    cancel.or_(dismiss).wait_for()
    if cancel.is_visible():
        cancel.click()
    dismiss.click(timeout=30 * SECOND)
    dismiss.wait_for(state="detached")


def open_page(page: Page) -> None:
    """Come to the page from another one: it is drawn anew, without what a test before left on it."""
    go_to(page, "Training")
    go_to(page, "Data staging")


def open_staging(page: Page) -> None:
    open_page(page)
    choose(page, "University of Toronto")


def progress(page: Page) -> Locator:
    return page.get_by_test_id("stProgress")


def await_other_text(page: Page, text: str | None) -> None:
    """Wait until the progress says something else than this."""
    page.wait_for_function(
        "text => { const shown = document.querySelector('[data-testid=stProgress]');"
        " return shown && shown.textContent !== text; }",
        arg=text,
        timeout=30 * SECOND,
    )


@pytest.fixture
def staging(page: Page) -> Page:
    """A visitor who has just started to stage what is to be downloaded."""
    open_staging(page)
    button(page, "Stage images").click()
    progress(page).wait_for()
    return page


def test_progress_moves_without_a_reload(staging: Page) -> None:
    staging.evaluate("window.wasHere = true")
    before = progress(staging).text_content()
    await_other_text(staging, before)
    assert staging.evaluate("window.wasHere") is True


def test_another_session_sees_the_same_progress_and_cannot_start(staging: Page, other_page: Page) -> None:
    open_page(other_page)
    progress(other_page).get_by_text("Staging images.").wait_for()
    await_other_text(other_page, progress(other_page).text_content())
    assert progress(staging).get_by_text("Staging images.").is_visible()
    other_page.get_by_role("button", name="Stage images", exact=True, disabled=True).wait_for()


@pytest.mark.slow  # as tests/pages/test_data_staging.py has it without a browser
def test_a_session_that_was_open_before_cannot_start_a_second_one(page: Page, other_page: Page) -> None:
    for visitor in (page, other_page):
        open_staging(visitor)
    button(page, "Stage images").click()
    progress(page).wait_for()
    button(other_page, "Stage images").click()
    progress(other_page).get_by_text("Downloaded").wait_for()
    other_page.get_by_role("button", name="Stage images", exact=True, disabled=True).wait_for()
    moved = '[role=progressbar]:not([aria-valuenow="0"])'
    progress(page).locator(moved).wait_for()  # the first one goes on


def test_one_session_cancels_and_both_are_told(staging: Page, other_page: Page) -> None:
    open_page(other_page)
    button(other_page, "Cancel").click()
    for visitor in (staging, other_page):
        visitor.get_by_text("Staging images was cancelled.").wait_for(timeout=30 * SECOND)
        await_drawn(visitor)
        assert visitor.get_by_text("No images are staged yet.").is_visible()


@pytest.mark.slow  # as tests/pages/test_overview.py has it without a browser
def test_the_overview_shows_a_job_whose_page_was_left(staging: Page) -> None:
    staging.get_by_test_id("stSidebarNav").get_by_role("link", name="Overview").click()
    heading(staging, "Overview").wait_for()
    progress(staging).get_by_text("Staging images.").wait_for()


def test_when_a_job_ends_the_page_shows_what_it_made(page: Page, tmp_path: Path) -> None:
    open_page(page)
    choose(page, "Archive")
    page.locator(".st-key-data_staging-upload input[type=file]").set_input_files(
        write_archive(tmp_path / "small.tar.gz", small_members())
    )
    page.get_by_test_id("stFileChipName").wait_for()
    page.get_by_test_id("stFileChipIconSpinner").wait_for(state="detached")
    await_drawn(page)
    button(page, "Stage images").click()
    page.get_by_text("The images are staged.").wait_for(timeout=60 * SECOND)
    page.get_by_text("Staged images").wait_for()
    assert page.get_by_text("No images are staged yet.").count() == 0
