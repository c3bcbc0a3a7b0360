"""The token: who has it may use the app. As Jupyter's, it comes by the address and stays as a cookie."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import parse_qsl, unquote_plus, urlencode

from backend.settings import Settings
from backend.web.origins import Origin

PARAMETER = "token"


class Token:
    """One app's token. The cookie has a value derived from it, so that a cookie never tells the token."""

    def __init__(self, value: str) -> None:
        self._value = value.encode()
        self._session = hmac.new(self._value, b"session", hashlib.sha256).hexdigest()

    def added_to(self, url: str) -> str:
        """The address that a person opens."""
        return f"{url}?{urlencode({PARAMETER: self._value.decode()})}"

    def is_in_query(self, query: str) -> bool:
        """Whether the address had this token."""
        return any(
            name == PARAMETER and hmac.compare_digest(value.encode("utf-8", "surrogateescape"), self._value)
            for name, value in parse_qsl(query, errors="surrogateescape")
        )

    def is_in_cookies(self, header: str, origin: Origin) -> bool:
        """Whether the browser has come with the token to this origin before."""
        name = _cookie_name(origin)
        given = [value for key, _, value in (part.strip().partition("=") for part in header.split(";")) if key == name]
        return any(hmac.compare_digest(value.encode("latin-1"), self._session.encode()) for value in given)

    def set_cookie(self, origin: Origin) -> str:
        """The Set-Cookie header's value: until the browser ends, not for scripts, not on a request from elsewhere."""
        secure = "; Secure" if origin.scheme == "https" else ""
        return f"{_cookie_name(origin)}={self._session}; Path=/; HttpOnly; SameSite=Strict{secure}"


def demanded_token(settings: Settings) -> Token | None:
    """The token that these settings ask for, a new one unless one is set; None where anybody may come in."""
    by_itself = settings.environment == "aws" or settings.token is not None
    if settings.access == "open" or (settings.access == "auto" and not by_itself):
        return None
    return Token(settings.token.get_secret_value() if settings.token else secrets.token_urlsafe(32))


def without_token(query: str) -> str:
    """A query string with everything but the token in it, as it was."""
    return "&".join(part for part in query.split("&") if unquote_plus(part.partition("=")[0]) != PARAMETER)


def _cookie_name(origin: Origin) -> str:
    """With the port: a browser gives the cookies of one host to all its ports."""
    return f"scones-session-{origin.port}"
