"""The embedded AWS that this app uses now: started again, or found anew, when the one before has ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import embedded_aws
from backend.errors import EmbeddedAwsUnavailable

_SECONDS_AFTER_FAILURE = 5.0
"""How long a start that failed is not tried again: everybody who asks meanwhile is told at once."""


class EmbeddedAttachment:
    """Which embedded AWS the clients of a session reach. Safe to use from any thread: one starts it again, others wait.

    `on_change` is called with another start's AWS before anybody else sees it.
    """

    def __init__(self, aws: embedded_aws.EmbeddedAws, on_change: Callable[[embedded_aws.EmbeddedAws], None]) -> None:
        self.aws = aws
        self.addresses = _addresses(aws)
        """Every address that a client of this session may have been made for."""
        self._on_change = on_change
        self._state_dir = aws.installation.folder.parent
        self._attaching = threading.Lock()
        self._is_doubted = False
        self._is_closed = False
        self._failure: str | None = None
        self._failed_at = 0.0

    def current(self) -> embedded_aws.EmbeddedAws:
        """The one that runs now, started again if it has ended, its services answering if one had not answered.

        Raises EmbeddedAwsUnavailable when it does not start, and when the app is ending.
        """
        if self._is_sound():
            return self.aws
        with self._attaching:
            if not self._is_sound():
                self._attach()
            return self.aws

    def doubt(self) -> None:
        """Somebody was not answered: see to it that the services answer before the next request is sent."""
        self._is_doubted = True

    def close(self) -> None:
        """End the embedded AWS if this process started it, and start it no more."""
        self._is_closed = True
        with self._attaching:
            self.aws.stop()

    def _is_sound(self) -> bool:
        return not self._is_closed and not self._is_doubted and self.aws.is_supervised()

    def _attach(self) -> None:
        if self._is_closed:
            raise EmbeddedAwsUnavailable("The app is ending, and its embedded AWS with it. Start the app again.")
        if self._failure and time.monotonic() - self._failed_at < _SECONDS_AFTER_FAILURE:
            raise EmbeddedAwsUnavailable(self._failure)
        try:
            aws = embedded_aws.start(self._state_dir)
        except embedded_aws.EmbeddedAwsError as error:
            self._failure, self._failed_at = str(error), time.monotonic()
            raise EmbeddedAwsUnavailable(str(error)) from error
        self._failure, self._is_doubted = None, False
        if aws is not self.aws:
            self.addresses |= _addresses(aws)
            self._on_change(aws)
            self.aws = aws


def _addresses(aws: embedded_aws.EmbeddedAws) -> set[str]:
    return {aws.endpoint_url(service) for service in ("s3", "sagemaker")}
