"""What the topic sent, and who is told beside the inbox."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backend import workflow
from backend.aws.environment import Environment
from backend.wording import count_of
from backend.workflow import Inbox, Notification, Subscription
from backend.workflow.notifications import LOOKED_THROUGH
from pages.shared import PagePath, confirm, draw_missing, reads
from pages.shared.environment import action, part
from pages.shared.rows import choose_row
from pages.shared.text import as_text, visible

_KINDS = {
    "REJECTED": "rejected",
    "NOT_A_KNOWN_CLASS": "not a known class",
    "FAILED": "failed",
    "TIMED_OUT": "timed out",
    "ABORTED": "stopped",
}
"""In the words of the executions' outcomes; what somebody else published has no kind, or one of its own."""


def draw_notifications(environment: Environment) -> None:
    """The inbox, and the subscriptions with a way to add one."""
    st.subheader("Notifications", anchor=False)
    with part():
        inbox = reads.read_inbox(environment)
        if inbox is None:
            draw_missing("This workflow was deployed before there was an inbox. Update the workflow, and it has one.")
        else:
            _draw_inbox(environment, inbox)
    with part():
        _draw_subscriptions(environment)


def _draw_inbox(environment: Environment, inbox: Inbox) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(_said_of(inbox), width="stretch")
        if st.button("Refresh", icon=":material/refresh:", key="notifications.refresh"):
            st.cache_data.clear()
            st.rerun()
        question = f"Delete {count_of(inbox.held, 'notification')}? The executions stay."
        if confirm("Clear inbox", question, key="notifications.clear", disabled=not inbox.notifications):
            with action("Inbox cleared"):
                workflow.clear_inbox(environment)
    if not inbox.notifications:
        return
    newest = inbox.notifications[0].message_id
    chosen = choose_row(
        pd.DataFrame([_row(one) for one in inbox.notifications]),
        inbox.notifications,
        height=min(280, 38 + 35 * len(inbox.notifications)),
        key=f"notifications.inbox.{newest}",
        column_config={"Sent, UTC": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss")},
    )
    with st.container(border=True), part():
        _draw_notification(chosen)


def _said_of(inbox: Inbox) -> str:
    """How many are shown of how many, and how the newest of very many are known."""
    shown = len(inbox.notifications)
    if not inbox.held:
        return "The inbox is empty: nothing was rejected, failed or stopped, or it was cleared."
    if inbox.held <= shown:
        return f"{count_of(shown, 'notification')}, kept for 14 days."
    text = f"The newest {shown:,} of about {inbox.held:,} notifications, kept for 14 days."
    if inbox.held > LOOKED_THROUGH:
        text += (
            f" Only {LOOKED_THROUGH:,} are looked through, so newer ones may be missing: clear the inbox to see them."
        )
    return text


def _row(one: Notification) -> dict[str, object]:
    return {
        "Sent, UTC": one.sent_at,
        "Kind": _KINDS.get(one.kind or "", visible(one.kind or "")) or None,
        "Subject": visible(one.subject) or None,
        "Execution": one.execution,
    }


def _draw_notification(one: Notification) -> None:
    """The whole text, as text whoever wrote it, and the way to what it is about."""
    st.markdown(as_text(one.text))
    if one.execution:
        st.page_link(
            PagePath.TEST_IMAGES,
            label=as_text(f"Execution {one.execution}"),
            icon=":material/account_tree:",
            query_params={"execution": one.execution},
        )


def _draw_subscriptions(environment: Environment) -> None:
    st.markdown("**Subscriptions**")
    subscriptions = reads.list_subscriptions(environment)
    if not subscriptions:
        st.caption("Nobody is told beside the inbox.")
    for number, subscription in enumerate(subscriptions):
        _draw_subscription(environment, subscription, number)
    with (
        st.form("notifications.subscribe", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        address = st.text_input("E-mail address or https URL", placeholder="ops@example.com", width=360)
        if st.form_submit_button("Subscribe", icon=":material/add_alert:"):
            with action("Subscribed; whoever is there is asked to confirm"):
                workflow.subscribe(environment, address)
    if environment.settings.environment == "embedded":
        st.caption("The embedded AWS sends no e-mail, and takes its address as confirmed; to a URL it sends.")


def _draw_subscription(environment: Environment, subscription: Subscription, number: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(as_text(subscription.endpoint), width="content")
        if subscription.is_pending:
            st.badge(
                "pending",
                icon=":material/hourglass_empty:",
                color="orange",
                help="Told nothing until it has confirmed; SNS asked it to, and forgets it after two days.",
            )
        elif st.button("Remove", key=f"notifications.remove.{number}.{subscription.arn}", icon=":material/delete:"):
            with action("Subscription removed"):
                workflow.unsubscribe(environment, subscription)
