"""What ties a form to its browser: sealed tickets before sign-in, MACs after it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.http.addresses import addresses_of
from actor_oauth.http.browser import (
    Misplaced,
    Next,
    Ticket,
    csrf_matches,
    csrf_token,
    is_browser_mark,
    new_browser_mark,
    open_ticket,
    origin_acceptable,
    seal_ticket,
)
from actor_oauth.oauth.keyring import new_keyring

NOW = 1_700_000_000
MARK = new_browser_mark(bytes(range(32)))
TICKET = Ticket(
    then=Next.AUTHORIZE, query=b"client_id=x&state=%20", expires_at=NOW + 600
)


class KeyringSealer:
    """Seals as the server does, with its real keyring."""

    def __init__(self) -> None:
        self._keyring = new_keyring(
            secret=bytes(32), address_key=bytes(range(32)), kid="1"
        )
        self._count = 0

    def seal(self, purpose: str, data: bytes) -> str:
        self._count += 1
        nonce = self._count.to_bytes(12, "big")
        return self._keyring.seal(purpose, data, nonce=nonce).hex()

    def unseal(self, purpose: str, text: str) -> bytes | None:
        try:
            return self._keyring.unseal(purpose, bytes.fromhex(text))
        except ValueError:
            return None


@pytest.fixture
def sealer() -> KeyringSealer:
    return KeyringSealer()


@pytest.mark.requirement("C-22")
def test_a_request_waits_sealed_in_the_browser(sealer: KeyringSealer) -> None:
    text = seal_ticket(TICKET, browser=MARK, sealer=sealer)

    assert open_ticket(text, browser=MARK, sealer=sealer, now=NOW) == TICKET


@pytest.mark.requirement("J-04")
def test_a_ticket_of_another_browser_is_recognised(sealer: KeyringSealer) -> None:
    text = seal_ticket(TICKET, browser=MARK, sealer=sealer)
    other = new_browser_mark(bytes(32))

    for browser in (other, None, ""):
        opened = open_ticket(text, browser=browser, sealer=sealer, now=NOW)
        assert opened == Misplaced(TICKET)


def test_a_ticket_ends_after_its_time(sealer: KeyringSealer) -> None:
    text = seal_ticket(TICKET, browser=MARK, sealer=sealer)

    assert open_ticket(text, browser=MARK, sealer=sealer, now=NOW + 599) == TICKET
    assert open_ticket(text, browser=MARK, sealer=sealer, now=NOW + 600) is None


@given(st.text(max_size=80))
def test_what_the_server_did_not_seal_is_no_ticket(text: str) -> None:
    assert open_ticket(text, browser=MARK, sealer=KeyringSealer(), now=NOW) is None


def test_something_sealed_for_another_purpose_is_no_ticket(
    sealer: KeyringSealer,
) -> None:
    other = sealer.seal("something else", b"{}")

    assert open_ticket(other, browser=MARK, sealer=sealer, now=NOW) is None


@pytest.mark.requirement("J-04")
def test_a_form_token_fits_one_session_and_one_purpose() -> None:
    token = csrf_token("session", "consent", "handle")

    assert csrf_matches(token, "session", "consent", "handle")
    assert not csrf_matches(token, "other", "consent", "handle")
    assert not csrf_matches(token, "session", "consent", "other")
    assert not csrf_matches(token, "session", "consenthandle")
    assert not csrf_matches(None, "session", "consent", "handle")
    assert not csrf_matches("ü", "session", "consent", "handle")


@pytest.mark.requirement("J-04", "J-05")
@pytest.mark.parametrize(
    ("origin", "accepted"),
    [
        (None, True),
        ("https://as.example", True),
        ("null", False),
        ("https://evil.example", False),
        ("https://as.example.evil.example", False),
        ("http://as.example", False),
        ("", False),
    ],
)
def test_a_form_comes_from_our_origin_or_from_a_browser_that_does_not_say(
    origin: str | None, accepted: bool
) -> None:
    assert origin_acceptable(origin, ours="https://as.example") is accepted


def test_only_a_value_of_our_form_marks_a_browser() -> None:
    assert is_browser_mark(MARK)
    assert not is_browser_mark(None)
    assert not is_browser_mark("short")
    assert not is_browser_mark("ü" * 43)


@pytest.mark.requirement("J-06")
def test_cookies_of_two_servers_on_one_host_have_different_names() -> None:
    first = addresses_of("http://127.0.0.1:8000")
    second = addresses_of("http://127.0.0.1:9000")

    assert first.cookie_name("session") != second.cookie_name("session")
    assert not first.cookie_name("session").startswith("__Host-")


@pytest.mark.requirement("A-01", "J-19")
def test_an_issuer_is_taken_apart_without_losing_its_spelling() -> None:
    addresses = addresses_of("https://AS.example:443/t1/")

    assert addresses.issuer == "https://AS.example:443/t1/"
    assert addresses.origin == "https://as.example"
    assert addresses.base == "/t1"
    assert addresses.cookie_name("session").startswith("__Host-ao-session-")
