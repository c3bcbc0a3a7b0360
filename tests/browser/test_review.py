"""Two people labelling in two browsers at once by keys, while every process of the app is killed in the middle."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from backend import review
from backend.aws.environment import Environment, open_environment
from backend.review import Kind
from backend.settings import Settings
from tests.backend.review.captured import LABELS, line, make_queue, opinions, put, truth
from tests.browser.driving import SECOND, await_drawn
from tests.browser.serving import PROJECT, Server, serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PICTURES = 200
BEFORE_KILL = 40
"""Labels of each person."""
_PATIENCE = 120 * SECOND


class Person:
    """Somebody at the Review page; `told` is what the page has taken: the label of each picture."""

    def __init__(self, page: Page, queue: review.Queue, name: str) -> None:
        self.page, self.told = page, dict[int, str]()
        self._pressed: tuple[int, str] | None = None
        page.goto(f"/review?queue={queue.queue_id}")
        page.get_by_role("textbox", name="Your name").fill(name)
        page.keyboard.press("Enter")
        self._labels().first.wait_for()
        await_drawn(page)
        page.locator("h1").first.click()  # keys are not typed into the name any more

    def press(self) -> None:
        """Label the picture that is shown: by its number, so that it is known what was meant."""
        number = self._number()
        self._pressed = number, LABELS[number % 2]
        self.page.keyboard.press(str(number % 2 + 1))

    def await_next(self) -> bool:
        """Wait until the label is taken; whether there is another picture."""
        assert self._pressed is not None
        gone = self.page.locator(f".st-key-review-label-{self._pressed[0]}-0")
        gone.wait_for(state="detached")
        self.told.update([self._pressed])
        ended = self.page.get_by_text(re.compile("You are through|With other people"))
        self._labels().first.or_(ended).first.wait_for()
        await_drawn(self.page)  # a key that is pressed while it is drawn may be lost
        return not ended.is_visible()

    def _labels(self) -> Locator:
        return self.page.locator("[class*='st-key-review-label-']")

    def _number(self) -> int:
        names = self._labels().first.get_attribute("class") or ""
        found = re.search(r"st-key-review-label-(\d+)-", names)
        assert found is not None, names
        return int(found[1])


@contextmanager
def people(browser: Browser, server: Server, queue: review.Queue) -> Iterator[list[Person]]:
    contexts = [browser.new_context(base_url=server.url) for _ in range(2)]
    for context in contexts:
        context.set_default_timeout(_PATIENCE)
    yield [Person(context.new_page(), queue, name) for context, name in zip(contexts, ("Ada", "Ben"), strict=True)]
    for context in contexts:
        context.close()


def settings_of(state_dir: Path) -> Settings:
    return Settings(environment="embedded", state_dir=state_dir, project=PROJECT)


def captured_project(state_dir: Path) -> Environment:
    """The served app's project, with records to label."""
    project = open_environment(settings_of(state_dir))
    project.s3.create_bucket(Bucket=project.bucket)
    put(project, [line(number, 0.5 + number / 1000) for number in range(PICTURES)])
    return project


def test_two_people_label_200_pictures_and_a_kill_loses_and_doubles_nothing(browser: Browser, tmp_path: Path) -> None:
    told = list[tuple[int, str]]()
    server = serve(tmp_path)
    try:
        queue = make_queue(captured_project(tmp_path), Kind.UNCERTAIN, limit=PICTURES)
        with people(browser, server, queue) as both:
            for _ in range(BEFORE_KILL):
                for person in both:
                    person.press()
                for person in both:
                    assert person.await_next()
            for person in both:
                person.press()
            server.kill_all()  # while both are labelled
            told += [item for person in both for item in person.told.items()]
        server = serve(tmp_path)
        with people(browser, server, queue) as both:
            working = list(both)
            while working:
                for person in working:
                    person.press()
                working = [person for person in working if person.await_next()]
            told += [item for person in both for item in person.told.items()]
        check(open_environment(settings_of(tmp_path)), queue, told)
    finally:
        if server.process.poll() is None:
            server.stop()


def check(project: Environment, queue: review.Queue, told: list[tuple[int, str]]) -> None:
    """Each picture has one label, what was told among them as it was pressed, and one line of ground truth."""
    kept = opinions(project, queue)
    assert Counter(said["item"] for said in kept) == dict.fromkeys(range(1, PICTURES + 1), 1)
    labels = {said["item"]: said["label"] for said in kept}
    assert max(Counter(number for number, _ in told).values()) == 1
    assert {number: labels[number] for number, _ in told} == dict(told)
    assert len(told) >= PICTURES - 2  # of those pressed at the kill the page could tell nothing any more
    names = {item.number: item.inference_id for item in queue.items}
    assert sorted(truth(project)) == sorted((names[number], label) for number, label in labels.items())
