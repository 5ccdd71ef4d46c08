"""Device authorization as decisions: codes, answers, polls."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.device import (
    INTERVAL,
    SHARDS,
    USER_CODE_ALPHABET,
    DeviceAuthorization,
    DeviceRequest,
    Ready,
    Waiting,
    decide_device_answer,
    decide_device_redemption,
    decide_device_request,
    decide_poll,
    draw_user_code,
    for_device,
    parse_user_code,
    shard_key,
    show_user_code,
    user_code_hash,
)
from actor_oauth.oauth.grants import GrantState
from actor_oauth.oauth.question_lifecycle import Answer, QuestionState
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redeem_code import CodeRequest, Redemption
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import NO_RECORD, Token, TokenKind, token_hash
from tests.support.grants import (
    CLIENT,
    KEYRING,
    OTHER_CLIENT,
    POLICY,
    RESOURCE,
    SCOPE,
    START,
    an_issued_code,
    fresh,
)

TOKEN = Token(TokenKind.DEVICE_CODE, "00" * 16, NO_RECORD, b"d" * 32)
DEVICE = DeviceAuthorization(
    request=DeviceRequest(client_id="app", scope=SCOPE, resource=RESOURCE),
    device_hash=token_hash(TOKEN),
    state=QuestionState.PENDING,
    expires_at=START + 900,
)
APPROVED = replace(
    DEVICE, state=QuestionState.APPROVED, user_key="ab" * 16, grant_number=7
)


@pytest.mark.requirement("D-52", "K-01")
@given(st.binary(min_size=64, max_size=64))
def test_a_user_code_is_read_back_however_it_is_typed(random: bytes) -> None:
    try:
        code = draw_user_code(random)
    except ValueError:
        assert sum(byte < 240 for byte in random) < 8
        return
    shown = show_user_code(code)
    assert len(code) == 8
    assert set(code) <= set(USER_CODE_ALPHABET)
    for typed in (code, shown, shown.lower(), f" {shown} ", ".".join(code)):
        assert parse_user_code(typed) == code


@pytest.mark.requirement("D-52", "K-01")
def test_every_letter_is_as_likely_as_any_other() -> None:
    counted = Counter(
        draw_user_code(bytes([byte] * 64))[0] for byte in range(256) if byte < 240
    )
    assert set(counted.values()) == {240 // len(USER_CODE_ALPHABET)}
    with pytest.raises(ValueError, match="more random"):
        draw_user_code(b"\xff" * 64)


@given(st.text(max_size=100))
def test_reading_a_code_never_fails(text: str) -> None:
    code = parse_user_code(text)
    assert code is None or parse_user_code(code) == code


@pytest.mark.parametrize("text", ["", "BCDF-GHJ", "BCDF-GHJKL", "ABCD-EFGH", "B" * 65])
def test_what_is_no_code_is_none(text: str) -> None:
    assert parse_user_code(text) is None


@pytest.mark.requirement("K-02")
def test_a_code_is_stored_keyed_and_leads_to_one_of_the_shards() -> None:
    hashes = [user_code_hash(KEYRING, f"BCDFGHJ{x}") for x in USER_CODE_ALPHABET]
    assert len(set(hashes)) == len(hashes)
    for code_hash in hashes:
        assert 0 <= int(shard_key(code_hash), 16) < SHARDS


@pytest.mark.requirement("D-50", "C-08", "C-09")
@pytest.mark.parametrize(
    ("scope", "resources", "expected"),
    [
        ("read", (), Scope(("read",))),
        ("read nonsense", (RESOURCE,), Scope(("read",))),
        ("nonsense", (), Reason.SCOPE_UNKNOWN),
        ('a"b', (), Reason.SCOPE_MALFORMED),
        ("read", ("https://else.example/",), Reason.RESOURCE_UNKNOWN),
    ],
)
def test_a_device_may_ask_for_what_any_client_may(
    scope: str, resources: tuple[str, ...], expected: Scope | Reason
) -> None:
    decided = decide_device_request(
        CLIENT, scope=scope, resources=resources, policy=POLICY
    )
    if isinstance(expected, Reason):
        assert decided == Refused(expected)
    else:
        assert decided == DeviceRequest(
            client_id="app", scope=expected, resource=RESOURCE
        )


@pytest.mark.requirement("M-14", "C-15")
@pytest.mark.parametrize("answer", Answer)
def test_the_first_answer_counts(answer: Answer) -> None:
    state = decide_device_answer(DEVICE, answer, now=START)
    assert state is not None
    for second in Answer:
        later = replace(DEVICE, state=state)
        assert decide_device_answer(later, second, now=START) is None
    assert decide_device_answer(None, answer, now=START) is None
    assert decide_device_answer(DEVICE, answer, now=START + 900) is None


@pytest.mark.requirement("D-51", "M-14")
@pytest.mark.parametrize(
    ("device", "now", "reason"),
    [
        (None, START, Reason.DEVICE_CODE_UNKNOWN),
        (DEVICE, START + 900, Reason.DEVICE_CODE_EXPIRED),
        (APPROVED, START + 900, Reason.DEVICE_CODE_EXPIRED),
        (
            replace(DEVICE, state=QuestionState.DENIED),
            START,
            Reason.DEVICE_DENIED,
        ),
    ],
)
def test_a_poll_is_told_why_there_will_be_no_tokens(
    device: DeviceAuthorization | None, now: int, reason: Reason
) -> None:
    assert decide_poll(device, client_id="app", now=now) == Refused(reason)


@pytest.mark.requirement("D-51")
def test_a_poll_that_comes_too_soon_slows_all_later_ones_down() -> None:
    polled = replace(DEVICE, polled_at=START)
    patient = decide_poll(polled, client_id="app", now=START + INTERVAL)
    assert patient == Waiting(refused=Refused(Reason.DEVICE_PENDING), interval=INTERVAL)
    hasty = decide_poll(polled, client_id="app", now=START + INTERVAL - 1)
    assert hasty == Waiting(
        refused=Refused(Reason.DEVICE_TOO_FAST), interval=INTERVAL + 5
    )
    slowed = replace(polled, interval=INTERVAL + 5)
    assert decide_poll(slowed, client_id="app", now=START + 9) == Waiting(
        refused=Refused(Reason.DEVICE_TOO_FAST), interval=INTERVAL + 10
    )
    # Once somebody has said yes, nobody waits any longer.
    ready = replace(APPROVED, polled_at=START)
    assert decide_poll(ready, client_id="app", now=START) == Ready(
        user_key="ab" * 16, grant_number=7
    )


@pytest.mark.requirement("D-51")
@pytest.mark.parametrize("device", [DEVICE, APPROVED])
def test_another_client_learns_and_changes_nothing(
    device: DeviceAuthorization,
) -> None:
    refused = decide_poll(device, client_id="other", now=START)
    assert refused == Refused(Reason.DEVICE_CODE_UNKNOWN)


def redeem(
    *,
    token: Token = TOKEN,
    client: Client = CLIENT,
    state: GrantState = GrantState.AUTHORIZED,
    now: int = START,
    known: bool = True,
) -> Redemption | Refused:
    issued = for_device(an_issued_code(), token_hash(TOKEN), START + 900)
    grant = replace(issued.grant, state=state)
    return decide_device_redemption(
        CodeRequest(token, client, None, None),
        grant if known else None,
        policy=POLICY,
        fresh=fresh(),
        now=now,
    )


@pytest.mark.requirement("D-53")
def test_an_approved_grant_is_redeemed_by_its_device_code() -> None:
    redemption = redeem(now=START + 899)
    assert isinstance(redemption, Redemption)
    assert redemption.grant.state is GrantState.ACTIVE
    assert redemption.response.refresh_token is not None
    assert not redemption.grant.supersedes


@pytest.mark.requirement("D-53", "D-51")
def test_nothing_else_redeems_it_and_it_is_redeemed_once() -> None:
    unknown = Refused(Reason.DEVICE_CODE_UNKNOWN)
    assert redeem(known=False) == unknown
    assert redeem(client=OTHER_CLIENT) == unknown
    assert redeem(token=replace(TOKEN, secret=b"x" * 32)) == unknown
    assert redeem(token=replace(TOKEN, kind=TokenKind.CODE)) == unknown
    assert redeem(now=START + 900) == Refused(Reason.DEVICE_CODE_EXPIRED)
    assert redeem(state=GrantState.ACTIVE) == Refused(Reason.DEVICE_CODE_SPENT)
    assert redeem(state=GrantState.REVOKED) == Refused(Reason.GRANT_REVOKED)
