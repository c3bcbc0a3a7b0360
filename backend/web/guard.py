"""What stands before the app: its own pages may ask it, other web pages may not, and a token says who is let in.

A loopback port is open to every program of every user of the machine and to any web page that a browser shows.
Streamlit lets in pages of every port of this machine, and looks up its external address before it refuses another.
"""

from __future__ import annotations

import re

import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from streamlit.web.server.server_util import get_display_address, get_url

from backend.settings import Settings, load_settings
from backend.web.headers import hardened
from backend.web.origins import Origin, own_origins
from backend.web.token import Token, demanded_token, without_token

_HTTP_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_READING = ("GET", "HEAD")
_NO_PAGE = re.compile("/(_stcore|media|component)/")
_FROM_ELSEWHERE = "This app answers its own pages only. Open it at the address that it printed when it started."
_ASKING = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Scones Unlimited</title>{refresh}
<style>body {{ font: 1rem/1.5 sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }}</style></head>
<body><h1>This app asks for its token</h1>
<p>Open the address that ends in <code>?token=...</code>. The app printed it when it started, in the terminal
or the log of <code>make run</code> or <code>streamlit run</code>. Each start has a new one, unless
<code>SCONES_TOKEN</code> is set.</p></body></html>
"""
_REFRESH = '<meta http-equiv="refresh" content="0">'


class Guard:
    """ASGI middleware inside EnvironmentLifespan, before everything else; until the app starts it lets nobody in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._settings: Settings | None = None
        self._token: Token | None = None
        self._health_path = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, self._start(send))
            return
        refusal = self._answer(scope, Headers(scope=scope))
        if scope["type"] == "websocket":
            await (self._app if refusal is None else WebSocketClose(1008))(scope, receive, send)
            return
        await (self._app if refusal is None else refusal)(scope, receive, hardened(send))

    def _start(self, send: Send) -> Send:
        """Take the settings, and print where the app is once it answers."""
        settings = load_settings()
        self._settings, self._token = settings, demanded_token(settings)
        base = st.get_option("server.baseUrlPath").strip("/")
        self._health_path = f"/{base}/_stcore/health" if base else "/_stcore/health"  # says "ok" and nothing else

        async def started(message: Message) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                url = _address(settings)
                print(f"\n  Scones Unlimited: {self._token.added_to(url) if self._token else url}\n", flush=True)

        return started

    def _answer(self, scope: Scope, headers: Headers) -> Response | None:
        """What this request gets instead of the app; None for one that may pass."""
        origin = self._origin(scope, headers)
        if origin is None or not _is_from(origin, scope, headers):
            return PlainTextResponse(_FROM_ELSEWHERE, status_code=403)
        if self._token is None or (scope["path"] == self._health_path):
            return None
        query = scope["query_string"].decode("latin-1")
        if scope["type"] == "http" and scope["method"] in _READING and self._token.is_in_query(query):
            return _to_clean_address(self._token, origin, scope["raw_path"].decode("latin-1"), without_token(query))
        if self._token.is_in_cookies(headers.get("cookie", ""), origin):
            return None
        return _token_page(headers)

    def _origin(self, scope: Scope, headers: Headers) -> Origin | None:
        """The own origin that this request is meant for."""
        hosts = headers.getlist("host")
        if self._settings is None or len(hosts) != 1:
            return None
        server = scope["server"] and tuple(scope["server"])
        return own_origins(_HTTP_SCHEMES[scope["scheme"]], server, self._settings.public_url).get(hosts[0].lower())


def _is_from(origin: Origin, scope: Scope, headers: Headers) -> bool:
    """Whether a page of this origin, a person, or a program that is no browser sent the request.

    A browser names the page's origin whenever it could change something or reads across origins, and for a socket
    always. For what it only shows, such as a picture, Sec-Fetch-Site says it.
    """
    named = headers.getlist("origin")
    if any(name != str(origin) for name in named) or (scope["type"] == "websocket" and not named):
        return False
    return headers.get("sec-fetch-site", "none") in ("same-origin", "none") or _is_link_to_page(scope, headers)


def _is_link_to_page(scope: Scope, headers: Headers) -> bool:
    """Whether somebody follows a link of another site to a page, which that site does not see."""
    kind = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    is_followed = scope["type"] == "http" and scope["method"] in _READING and kind == ("navigate", "document")
    return is_followed and not _NO_PAGE.search(scope["path"])


def _to_clean_address(token: Token, origin: Origin, path: str, query: str) -> Response:
    """Keep the token as a cookie and lead to the same page at an address without it."""
    location = f"{origin}{path}" + (f"?{query}" if query else "")
    headers = {"Location": location, "Set-Cookie": token.set_cookie(origin), "Cache-Control": "no-store"}
    return Response(status_code=303, headers=headers)


def _token_page(headers: Headers) -> Response:
    """Say where the token is. One who came by a link of another site may have it: browsers keep a strict cookie back
    from such a request, so the page asks once more by itself."""
    is_by_link = headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
    page = _ASKING.format(refresh=_REFRESH if is_by_link else "")
    return HTMLResponse(page, status_code=403, headers={"Cache-Control": "no-store"})


def _address(settings: Settings) -> str:
    """Where a person opens the app."""
    if settings.public_url is not None:
        return str(settings.public_url)
    return f"{get_url(get_display_address(st.get_option('server.address') or 'localhost'))}/"
