"""Host and Origin: what a page that is not ours can make a browser send."""

import pytest

from actor_oauth.resource.asgi import HeaderLine, RequestHead, request_head
from actor_oauth.resource.origins import origin_rules
from tests.resource.asgi_calls import http_scope


def _head(*headers: HeaderLine) -> RequestHead:
    return request_head(http_scope(method="POST", headers=headers))


LOCAL = "http://127.0.0.1:8000/mcp"
PUBLIC = "https://mcp.example/mcp"


@pytest.mark.requirement("G-16")
@pytest.mark.parametrize(
    "host", [b"127.0.0.1:8000", b"localhost", b"LOCALHOST:1", b"[::1]:8000"]
)
def test_a_local_server_is_reached_under_local_names(host: bytes) -> None:
    assert origin_rules(LOCAL).admit(_head((b"host", host)))


@pytest.mark.requirement("G-16")
@pytest.mark.parametrize(
    "hosts",
    [
        [b"evil.example"],
        [b"evil.example:8000"],
        [b"127.0.0.1.evil.example"],
        [b"localhost.evil.example:8000"],
        [b"evil@localhost@evil.example"],
        [b"localhost\x00.evil"],
        [b""],
        [],
        [b"localhost", b"evil.example"],
    ],
)
def test_a_rebound_name_gives_itself_away(hosts: list[bytes]) -> None:
    head = _head(*((b"host", host) for host in hosts))
    assert not origin_rules(LOCAL).admit(head)


@pytest.mark.requirement("G-16")
@pytest.mark.parametrize(
    ("origin", "admitted"),
    [
        (b"http://localhost:6274", True),
        (b"http://127.0.0.1:8000", True),
        (b"http://[::1]:1", True),
        (b"https://evil.example", False),
        (b"http://localhost.evil.example", False),
        (b"null", False),
        (b"", False),
        (b"file://", False),
    ],
)
def test_a_local_server_answers_local_pages_only(origin: bytes, admitted: bool) -> None:
    head = _head((b"host", b"127.0.0.1:8000"), (b"origin", origin))
    assert origin_rules(LOCAL).admit(head) is admitted


@pytest.mark.requirement("G-16")
def test_one_foreign_origin_among_several_is_enough_to_refuse() -> None:
    head = _head(
        (b"host", b"localhost"),
        (b"origin", b"http://localhost"),
        (b"origin", b"https://evil.example"),
    )
    assert not origin_rules(LOCAL).admit(head)


@pytest.mark.requirement("G-16")
def test_an_origin_that_was_allowed_may_call_a_local_server() -> None:
    rules = origin_rules(LOCAL, ["vscode-webview://abc"])
    local = (b"host", b"127.0.0.1:8000")
    assert rules.admit(_head(local, (b"origin", b"vscode-webview://abc")))
    assert rules.admit(_head(local, (b"origin", b"http://localhost:6274")))
    assert not rules.admit(_head(local, (b"origin", b"https://evil.example")))


def test_a_public_server_may_be_called_from_any_page_unless_a_list_says_which() -> None:
    head = _head((b"host", b"whatever"), (b"origin", b"https://app.example"))
    assert origin_rules(PUBLIC).admit(head)
    assert origin_rules(PUBLIC, ["https://app.example"]).admit(head)
    assert not origin_rules(PUBLIC, ["https://other.example"]).admit(head)


def test_a_public_server_with_a_list_still_serves_its_own_pages_and_programs() -> None:
    rules = origin_rules(PUBLIC, [])
    assert rules.admit(_head((b"origin", b"https://mcp.example")))
    assert rules.admit(_head())
