"""What the app itself adds: from the click on "Submit" to the verdict on the page, without the execution's own time.

In a browser, on the app as it is served, with one image at a time. Needs Playwright and chromium.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from backend.aws.environment import Environment
from backend.errors import ConfigurationError
from benchmarks.place import say
from benchmarks.serving import address_of, launch, settings_for
from benchmarks.workflow import deployed

if TYPE_CHECKING:
    from playwright.sync_api import Page

_WARM_UP = 3
_PATIENCE = 60_000.0  # milliseconds
_CLICK = """([label, seen]) => new Promise((found, lost) => {
    const button = [...document.querySelectorAll("button")].find(one => one.innerText.trim().endsWith(label));
    let began = 0;
    button.addEventListener("click", () => { began = performance.now(); }, {capture: true, once: true});
    const look = () => {
        for (const part of document.querySelectorAll("[class*=st-key-submitted-answer-]")) {
            const name = part.className.match(/st-key-submitted-answer-([^ ]+)/)[1];
            if (!seen.includes(name) && part.querySelector("[data-testid=stMetricValue]")) {
                watching.disconnect();
                requestAnimationFrame(() => found([name, (performance.now() - began) / 1000]));
                return;
            }
        }
    };
    const watching = new MutationObserver(look);
    watching.observe(document.body, {childList: true, subtree: true, attributes: true});
    setTimeout(() => { watching.disconnect(); lost(new Error("no verdict came")); }, 60000);
    button.click();
})"""
"""Clicks, and waits for a verdict of an execution that was not there before: its name and the seconds, as painted."""


def measure(submissions: int = 20) -> dict[str, Any]:
    """The figures, in seconds, over so many submissions."""
    with deployed() as environment, _served(environment) as url, _opened(url) as page:
        seen: list[str] = []
        shares: list[float] = []
        durations: list[float] = []
        for number in range(_WARM_UP + submissions):
            _await_button(page)
            name, seconds = page.evaluate(_CLICK, ["Submit 1 image", seen])
            seen.append(name)
            duration = _duration(environment)
            if number >= _WARM_UP:
                shares.append(seconds - duration)
                durations.append(duration)
                say(f"{seconds:.3f} s, of which {duration:.3f} s for the execution")
    return {
        "submissions": len(shares),
        "p50_seconds": round(float(np.percentile(shares, 50)), 3),
        "p95_seconds": round(float(np.percentile(shares, 95)), 3),
        "execution_p50_seconds": round(float(np.percentile(durations, 50)), 3),
    }


def _await_button(page: Page) -> None:
    """Wait until nothing is drawn any more, and the button can be clicked; it is folded away by each submission."""
    drawn = page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')
    button = page.locator("button:not([disabled])", has_text="Submit 1 image")
    button.wait_for(state="attached")
    drawn.wait_for()
    folded = page.locator("[class*=st-key-test_images-submission] details:not([open]) summary")
    if folded.count():
        folded.click()
    button.wait_for()
    drawn.wait_for()


def _duration(environment: Environment) -> float:
    """How long the newest execution took, by what Step Functions says."""
    client = environment.stepfunctions
    newest = client.list_executions(stateMachineArn=environment.names.state_machine_arn, maxResults=1)["executions"][0]
    return (newest["stopDate"] - newest["startDate"]).total_seconds()


@contextmanager
def _served(environment: Environment) -> Iterator[str]:
    """The app on the environment's folder; gives its address."""
    settings = settings_for(environment.settings.state_dir, environment.project) | {"SCONES_ACCESS": "open"}
    with launch(settings) as app:
        try:
            yield address_of(app)
        finally:
            app.terminate()


@contextmanager
def _opened(url: str) -> Iterator[Page]:
    """The page of the test images, with one random image chosen."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise ConfigurationError("Playwright is not installed. Run `make check` once, which installs it.") from error
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        raise ConfigurationError("There is no chromium. Install it, for example with `apt install chromium`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(_PATIENCE)
        page.goto(f"{url}/test_images")
        count = page.get_by_role("spinbutton", name="How many")
        count.fill("1")
        count.press("Enter")
        yield page
        browser.close()
