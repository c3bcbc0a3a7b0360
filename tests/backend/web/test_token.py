"""The app with its token: who does not have it gets a page that says where it is, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from http.cookies import SimpleCookie

import pytest
from pydantic import SecretStr

from backend.settings import Settings
from backend.web.origins import Origin
from backend.web.token import Token, demanded_token, without_token
from tests.backend.web.asking import ask, shake_hands
from tests.backend.web.conftest import Served

PATHS = ["/", "/monitoring", "/media/0123.png", "/_stcore/host-config", "/_stcore/metrics", "/favicon.png",
         "/media/_stcore/health", "/_stcore/health/", "/nothing/_stcore/health"]  # fmt: skip
SECRET = "a secret of one's own"

# Becomes another user of the machine where it may, asks for everything, and says what was answered with other than 403.
_STRANGER = """
import encodings.idna, http.client, os, sys
if os.geteuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
port, *paths = sys.argv[1:]
for method in ("GET", "POST", "PUT", "DELETE"):
    for path in paths:
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=30)
        connection.request(method, path, headers={"Content-Length": "0", "Cookie": f"scones-session-{port}=guessed"})
        status = connection.getresponse().status
        if status != 403:
            print(method, path, status)
print("asked")
"""


def own(app: Served) -> str:
    return f"http://127.0.0.1:{app.port}"


@pytest.fixture(scope="module")
def cookie(closed_app: Served) -> str:
    """What a browser sends that has opened the printed address."""
    given = SimpleCookie(ask(closed_app.port, f"/?token={closed_app.token}", {}).headers["Set-Cookie"])
    return "; ".join(f"{name}={morsel.value}" for name, morsel in given.items())


@pytest.mark.parametrize("path", PATHS)
def test_without_the_token_there_is_only_a_page_that_says_where_it_is(closed_app: Served, path: str) -> None:
    answer = ask(closed_app.port, path, {"Sec-Fetch-Site": "same-origin"})
    assert answer.status == 403
    assert "The app printed it when it started" in answer.text
    assert closed_app.token not in answer.text
    assert answer.headers["Set-Cookie"] is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_without_the_token_nothing_is_uploaded(closed_app: Served, method: str) -> None:
    for path in ("/_stcore/upload_file/session/file", f"/?token={closed_app.token}"):
        answer = ask(closed_app.port, path, {"Origin": own(closed_app), "Content-Length": "0"}, method)
        assert (answer.status, "asks for its token" in answer.text) == (403, True)


def test_without_the_token_the_websocket_stays_shut(closed_app: Served, cookie: str) -> None:
    assert shake_hands(closed_app.port, {"Origin": own(closed_app)}) == 403
    assert shake_hands(closed_app.port, {"Origin": own(closed_app), "Cookie": cookie}) == 101


def test_the_health_path_needs_no_token(closed_app: Served) -> None:
    assert ask(closed_app.port, "/_stcore/health", {}).text == "ok"


def test_the_printed_address_leads_to_the_same_page_without_the_token(closed_app: Served) -> None:
    answer = ask(closed_app.port, f"/monitoring?from=1&token={closed_app.token}&to=%20", {})
    assert (answer.status, answer.headers["Location"]) == (303, f"{own(closed_app)}/monitoring?from=1&to=%20")
    (given,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
    assert str(closed_app.port) in given.key  # cookies of one host go to all its ports
    assert (given["httponly"], given["samesite"], given["path"]) == (True, "Strict", "/")
    assert closed_app.token not in str(answer.headers)


def test_with_the_cookie_everything_is_answered(closed_app: Served, cookie: str) -> None:
    answers = [ask(closed_app.port, path, {"Cookie": f"other=1; {cookie}"}).status for path in PATHS[:3]]
    assert answers == [200, 200, 404]


def test_a_page_of_another_port_is_refused_though_it_sends_the_cookie(closed_app: Served, cookie: str) -> None:
    other = {"Origin": "http://127.0.0.1:1", "Cookie": cookie}
    assert ask(closed_app.port, "/", other).status == 403
    assert ask(closed_app.port, "/media/0123.png", {"Sec-Fetch-Site": "same-site", "Cookie": cookie}).status == 403
    assert shake_hands(closed_app.port, other) == 403


def test_what_only_looks_like_the_token_opens_nothing(closed_app: Served, cookie: str) -> None:
    name, _, value = cookie.partition("=")
    wrong = [f"{name}=", f"{name}={value[:-1]}", f"{name}={value}0", f"{name}={closed_app.token}", f"{name}x={value}",
             f"{name}=\xff", f"scones-session-1={value}"]  # fmt: skip
    assert {ask(closed_app.port, "/", {"Cookie": given}).status for given in wrong} == {403}
    queries = ["", closed_app.token[:-1], f"{closed_app.token}0", "%ff", "%00"]
    assert {ask(closed_app.port, f"/?token={given}", {}).status for given in queries} == {403}


def test_a_path_does_not_lead_the_redirect_to_another_host(closed_app: Served) -> None:
    answer = ask(closed_app.port, f"//evil.test/?token={closed_app.token}", {})
    assert answer.headers["Location"].startswith(f"{own(closed_app)}/")


def test_another_user_of_the_machine_gets_nothing(closed_app: Served) -> None:
    command = [sys.executable, "-I", "-c", _STRANGER, str(closed_app.port), *PATHS, "/_stcore/upload_file/a/b"]
    asked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert asked.stdout.splitlines() == ["asked"]


@pytest.mark.parametrize(
    ("environment", "access", "token", "is_demanded"),
    [
        ("embedded", "auto", None, False),
        ("embedded", "auto", SECRET, True),
        ("embedded", "token", None, True),
        ("embedded", "open", SECRET, False),
        ("aws", "auto", None, True),
        ("aws", "token", SECRET, True),
        ("aws", "open", None, False),
    ],
)
def test_a_token_is_asked_for_by_default_where_somebodys_account_is(
    environment: str, access: str, token: str | None, is_demanded: bool
) -> None:
    given = {"environment": environment, "access": access, "token": token and SecretStr(token)}
    assert (demanded_token(Settings.model_validate(given)) is not None) is is_demanded


def test_each_start_makes_a_token_of_its_own() -> None:
    settings = Settings(access="token", token=None)
    addresses = {made.added_to("http://localhost/") for made in map(demanded_token, [settings, settings]) if made}
    assert len(addresses) == 2
    assert min(map(len, addresses)) > len("http://localhost/?token=") + 40


def test_a_token_of_ones_own_may_have_any_characters() -> None:
    token = Token("ä&= %;+ and so on")
    assert token.is_in_query(token.added_to("").removeprefix("?"))


def test_over_https_the_cookie_is_for_https_only() -> None:
    assert "; Secure" in Token(SECRET).set_cookie(Origin("https", "scones.example.com", 443))
    assert "; Secure" not in Token(SECRET).set_cookie(Origin("http", "127.0.0.1", 8501))


def test_the_token_stands_in_no_text_of_the_settings() -> None:
    assert SECRET not in repr(Settings(token=SecretStr(SECRET)))


@pytest.mark.parametrize("query", ["token=1", "%74oken=1", "token", "token=1&token=2"])
def test_a_query_is_rid_of_the_token_however_it_is_written(query: str) -> None:
    assert without_token(f"a=%20&{query}&b") == "a=%20&b"
    assert without_token(query) == ""
