"""Which addresses are the app's own, by the socket that took the request and the public address."""

from __future__ import annotations

import pytest
from pydantic import HttpUrl

from backend.settings import Settings
from backend.web.origins import own_origins


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (("127.0.0.1", 8501), {"127.0.0.1:8501": "http://127.0.0.1:8501", "localhost:8501": "http://localhost:8501"}),
        (("::1", 8501), {"[::1]:8501": "http://[::1]:8501", "localhost:8501": "http://localhost:8501"}),
        (("::ffff:127.0.0.1", 80), {"127.0.0.1": "http://127.0.0.1", "localhost": "http://localhost"}),
        (("192.0.2.7", 8501), {"192.0.2.7:8501": "http://192.0.2.7:8501"}),
        (("/run/scones.sock", None), {}),
        (None, {}),
    ],
)
def test_the_socket_names_itself(server: tuple[str, int | None] | None, expected: dict[str, str]) -> None:
    assert {host: str(origin) for host, origin in own_origins("http", server, None).items()} == expected


@pytest.mark.parametrize(
    ("url", "host", "origin"),
    [
        ("https://Scones.Example.com", "scones.example.com", "https://scones.example.com"),
        ("https://scones.example.com:443/app/", "scones.example.com", "https://scones.example.com"),
        ("http://localhost:9000", "localhost:9000", "http://localhost:9000"),
    ],
)
def test_a_public_address_is_one_more(url: str, host: str, origin: str) -> None:
    origins = own_origins("http", ("127.0.0.1", 8501), HttpUrl(url))
    assert str(origins[host]) == origin
    assert set(origins) == {host, "127.0.0.1:8501", "localhost:8501"}


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="public_url"):
        Settings.model_validate({"public_url": "scones.example.com"})
