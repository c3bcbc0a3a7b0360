"""The picture that a person is asked about, the keys to say what it is, and how far the queue is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import streamlit as st

from backend import review
from backend.aws.environment import Environment
from backend.errors import SconesError
from backend.review import Desk, Kind, Nothing, Progress, Queue, Shown
from backend.wording import as_words, count_of, enumerated
from pages.shared.environment import part
from pages.shared.images import draw_images
from pages.shared.text import as_text

_DESK, _ERROR = "review.desk", "review.error"
_WIDTH: Final = 384  # pixels
_SMALL: Final = 96
_KEYS: Final = "123456789"


def draw_desk(environment: Environment, queue: Queue, reviewer: str) -> None:
    """A person's place at a queue; only this part of the page is drawn anew with each label."""

    @st.fragment
    def draw() -> None:
        with part():
            desk = _desk(environment, queue, reviewer)
            progress = Progress(queue, review.OPINIONS.of_queue(environment, queue.queue_id, review.KNOWN_SECONDS))
            st.progress(progress.done / progress.total, f"{progress.done:,} of {count_of(progress.total, 'picture')}")
            if error := st.session_state.pop(_ERROR, None):
                st.error(as_text(error), icon=":material/error:")
            picture, beside = st.columns([3, 2], gap="large")
            with picture, part():
                _draw_picture(desk)
            with beside:
                with st.container(horizontal=True, gap="xsmall", key="review.ways"), part():
                    _draw_ways(desk, desk.shown)
                with part():
                    _draw_last(desk)
                with part():
                    _draw_standing(progress)

    draw()


def _desk(environment: Environment, queue: Queue, reviewer: str) -> Desk:
    """This session's, which it leaves for another queue or under another name."""
    desk: Desk | None = st.session_state.get(_DESK)
    if desk is not None and (desk.queue.queue_id, desk.reviewer) != (queue.queue_id, reviewer):
        st.session_state[_DESK] = None
        desk.leave()
        desk = None
    if desk is None:
        desk = st.session_state[_DESK] = Desk(environment, queue, reviewer)
    return desk


def _draw_picture(desk: Desk) -> None:
    """The labels stand above the picture: however low the window is, they are seen."""
    shown = desk.shown
    if isinstance(shown, Nothing):
        _draw_nothing(desk, shown)
        return
    st.markdown(_question(desk, shown))
    with st.container(horizontal=True, key="review.labels"):
        for place, label in enumerate(desk.queue.choices):
            _draw_choice(desk, shown, place, label)
    if shown.captured.image is None:
        st.warning(as_text(shown.captured.problem or "There is no picture."), icon=":material/hide_image:")
    else:
        draw_images([shown.captured.image], [""], width=_WIDTH, key="review")


def _question(desk: Desk, shown: Shown) -> str:
    if not desk.is_looking_back:
        return "**What is this?**"
    if shown.said is None:
        return "**What is this?** You took back what you said."
    return f"You said **{as_text(as_words(shown.said))}**. Say something else, or go forth."


def _draw_choice(desk: Desk, shown: Shown, place: int, label: str) -> None:
    """The key of a button has the picture in it: a second press that comes late is not meant for the next one."""
    number = shown.item.number
    st.button(
        as_text(as_words(label)),
        key=f"review.label.{number}.{place}",
        shortcut=_KEYS[place] if place < len(_KEYS) else None,
        type="primary" if shown.said == label else "secondary",
        disabled=shown.captured.image is None,
        on_click=_act,
        args=(desk.label, number, label),
    )


def _draw_ways(desk: Desk, shown: Shown | Nothing) -> None:
    number = shown.item.number if isinstance(shown, Shown) else 0
    for label, key, icon, shortcut, is_there, act in (
        ("Back", "back", "arrow_back", "Left", desk.can_go_back, desk.back),
        ("Forth", "forth", "arrow_forward", "Right", desk.is_looking_back, desk.forth),
        ("Undo", "undo", "undo", "U", desk.can_go_back, desk.undo),
    ):
        st.button(
            label,
            key=f"review.{key}",
            icon=f":material/{icon}:",
            shortcut=shortcut,
            type="tertiary",
            disabled=not is_there,
            on_click=_act,
            args=(act,),
        )
    if isinstance(shown, Shown) and not desk.is_looking_back:
        st.button(
            "Skip",
            key=f"review.skip.{number}",
            icon=":material/skip_next:",
            shortcut="S",
            type="tertiary",
            help="For a picture that you cannot tell.",
            on_click=_act,
            args=(desk.skip, number),
        )


def _draw_nothing(desk: Desk, nothing: Nothing) -> None:
    """No picture is left for this person, and why."""
    reasons = ["The next picture could not be looked for."] if nothing.is_unknown else []
    if nothing.elsewhere:
        reasons.append(f"With other people just now: {count_of(nothing.elsewhere, 'picture')}.")
    if nothing.passed_over:
        reasons.append(f"You skipped {count_of(nothing.passed_over, 'picture')}.")
    if not reasons:
        st.success("You are through: nothing is left of this queue for you.", icon=":material/check_circle:")
        return
    st.info(" ".join(reasons), icon=":material/hourglass_empty:")
    st.button("Look again", key="review.again", icon=":material/refresh:", on_click=_act, args=(desk.look_again,))


def _draw_last(desk: Desk) -> None:
    """What was labelled before, with the model's answer, which is seen from now on."""
    last = desk.last
    if last is None:
        st.caption("The model's answer to a picture is shown here once you have labelled it.")
        return
    answered = desk.queue.answer(last.item)
    with st.container(border=True, key="review.last"):
        st.caption("The one before")
        if last.captured.image is not None:
            draw_images([last.captured.image], [""], width=_SMALL, key="review-last")
        said = as_text(as_words(last.said)) if last.said else "nothing"
        mark = ":green[:material/check:]" if last.said == answered else ":orange[:material/close:]"
        st.markdown(f"You said **{said}**.")
        st.markdown(f"The model said **{as_text(as_words(answered))}** ({last.item.confidence:.3f}) {mark}")


def _draw_standing(progress: Progress) -> None:
    """How right the model was by what is known until now, and how far two people agree."""
    queue = progress.queue
    if (accuracy := progress.accuracy()) is not None:
        st.metric(
            "Right answers in this window",
            f"{accuracy.value:.0%}",
            f"{accuracy.low:.0%} to {accuracy.high:.0%} with 95 % confidence",
            delta_color="off",
            delta_arrow="off",
            help="From the labels until now; it may be looked at after each of them.",
        )
    elif queue.kind is not Kind.SAMPLE:
        st.caption("These pictures were chosen for what they are like: how many are right says nothing of the rest.")
    if queue.opinions > 1:
        _draw_agreement(progress)
    if progress.reviewers:
        st.caption(f"Labelled by {as_text(enumerated(progress.reviewers))}.")


def _draw_agreement(progress: Progress) -> None:
    found = review.agreement(review.pairs([progress.of(item.number) for item in progress.queue.items]))
    if found.agreed.share is None:
        st.caption("Nobody was asked for a second opinion yet.")
        return
    low, high = found.agreed.interval
    kappa = "" if found.kappa is None else f" Cohen's kappa is {found.kappa:.2f}."
    st.metric(
        "Two people agree on",
        f"{found.agreed.share:.0%}",
        f"{low:.0%} to {high:.0%} with 95 % confidence",
        delta_color="off",
        delta_arrow="off",
    )
    differ = (
        f" A third person is to decide about {count_of(progress.disputed, 'picture')}." if progress.disputed else ""
    )
    st.caption(f"Of {count_of(found.agreed.total, 'picture')} that two were asked about.{kappa}{differ}")


def _act(act: Callable[..., None], *args: Any) -> None:
    """A callback: what goes wrong is said above the picture."""
    try:
        act(*args)
    except SconesError as error:
        st.session_state[_ERROR] = str(error)
