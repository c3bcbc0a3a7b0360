"""The headers by which a browser keeps the app's answers from other pages, and its pages from asking elsewhere."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

_STREAMLITS_SCRIPT = "'sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA='"
_POLICY = (
    "frame-ancestors 'none'",
    "default-src 'self'",
    f"script-src 'self' 'wasm-unsafe-eval' {_STREAMLITS_SCRIPT}",  # Graphviz is WebAssembly
    "worker-src 'self' blob:",
    "style-src 'self' 'unsafe-inline'",  # Emotion and Plotly write styles
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "media-src 'self' data: blob:",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
)
_HEADERS = {
    "Content-Security-Policy": "; ".join(_POLICY),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def hardened(send: Send) -> Send:
    """Give every answer these headers."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(_HEADERS)
        await send(message)

    return sent
