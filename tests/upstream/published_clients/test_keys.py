"""The keys of clients that publish them: fetched once, and looked for again when one is missing."""

import json

import pytest
import trio
import trio.testing

from actor_oauth.oauth.metadata_document import USUALLY_CACHED
from actor_oauth.oauth.wire import Reason, Refused
from tests.support.signing import Signer, signer
from tests.support.web import reply
from tests.upstream.published_clients.setting import (
    BUSY,
    GONE,
    NOW,
    PAGE,
    TASKS,
    Setting,
    document,
    found,
)

FIRST, SECOND = signer("RS256"), signer("RS256", kid="k2")

KEYS_PAGE = "c.example/jwks.json"


def keys(*signers: Signer) -> bytes:
    return json.dumps({"keys": [each.public() for each in signers]}).encode()


def with_keys(setting: Setting, body: bytes) -> None:
    setting.web.pages[PAGE] = reply(
        document(
            token_endpoint_auth_method="private_key_jwt",
            jwks_uri="https://c.example/jwks.json",
        )
    )
    setting.web.pages[KEYS_PAGE] = reply(body)


async def kids(setting: Setting, *, renewed: bool = False) -> list[str | None] | Reason:
    client = found(await setting.ask())
    answer = await setting.clients.keys(client, renewed=renewed)
    if isinstance(answer, Refused):
        return answer.reason
    return [key.kid for key in answer]


@pytest.mark.requirement("E-14", "M-15")
async def test_n_cold_callers_cause_one_request_for_keys(setting: Setting) -> None:
    with_keys(setting, keys(FIRST))
    answers: list[list[str | None] | Reason] = []

    async def one() -> None:
        answers.append(await kids(setting))

    async with trio.open_nursery() as nursery:
        for _ in range(TASKS):
            nursery.start_soon(one)
    assert answers == [["k1"]] * TASKS
    assert setting.web.count(KEYS_PAGE) == 1


@pytest.mark.requirement("E-14")
async def test_an_unknown_key_is_asked_for_once_a_minute_at_most(
    setting: Setting,
) -> None:
    with_keys(setting, keys(FIRST))
    assert await kids(setting) == ["k1"]
    setting.web.pages[KEYS_PAGE] = reply(keys(FIRST, SECOND))
    assert await kids(setting, renewed=True) == ["k1"]

    setting.clock.time = NOW + 60
    answers: list[list[str | None] | Reason] = []

    async def one() -> None:
        answers.append(await kids(setting, renewed=True))

    async with trio.open_nursery() as nursery:
        for _ in range(TASKS):
            nursery.start_soon(one)
    assert answers == [["k1", "k2"]] * TASKS
    for _ in range(3):
        assert await kids(setting, renewed=True) == ["k1", "k2"]
    assert setting.web.count(KEYS_PAGE) == 2
    # A failed attempt counts too, and what is known stays in use.
    setting.clock.time = NOW + 120
    setting.web.pages[KEYS_PAGE] = BUSY
    assert await kids(setting, renewed=True) == ["k1", "k2"]
    assert await kids(setting, renewed=True) == ["k1", "k2"]
    assert setting.web.count(KEYS_PAGE) == 3


@pytest.mark.requirement("E-14", "M-15")
@pytest.mark.parametrize("bad", [GONE, BUSY, reply(b"[]"), reply(b'{"keys":7}')])
async def test_keys_that_cannot_be_had_are_not_remembered_as_such(
    setting: Setting, bad: bytes
) -> None:
    with_keys(setting, keys(FIRST))
    good = setting.web.pages[KEYS_PAGE]
    setting.web.pages[KEYS_PAGE] = bad
    assert await kids(setting) is Reason.CLIENT_KEYS_UNAVAILABLE
    setting.web.pages[KEYS_PAGE] = good
    assert await kids(setting) == ["k1"]


@pytest.mark.requirement("B-15", "E-14")
async def test_keys_are_fetched_by_the_same_rules_as_documents(
    setting: Setting,
) -> None:
    setting.web.pages[PAGE] = reply(
        document(
            token_endpoint_auth_method="private_key_jwt",
            jwks_uri="https://inner.example/jwks.json",
        )
    )
    setting.web.names["inner.example"] = [["169.254.169.254"]]
    assert await kids(setting) is Reason.CLIENT_KEYS_UNAVAILABLE
    assert [address for address, _ in setting.web.dialled] == ["203.0.112.10"]


@pytest.mark.requirement("E-14", "B-19")
async def test_a_document_that_names_other_keys_takes_effect_at_once(
    setting: Setting,
) -> None:
    with_keys(setting, keys(FIRST))
    assert await kids(setting) == ["k1"]
    setting.clock.time += USUALLY_CACHED
    setting.web.pages[PAGE] = reply(
        document(
            token_endpoint_auth_method="private_key_jwt",
            jwks_uri="https://d.example/jwks.json",
        )
    )
    setting.web.pages["d.example/jwks.json"] = reply(keys(SECOND))
    assert await kids(setting) == ["k2"]


async def test_stale_keys_serve_for_a_while_if_the_network_fails(
    setting: Setting,
) -> None:
    with_keys(setting, keys(FIRST))
    assert await kids(setting) == ["k1"]
    setting.clock.time = NOW + USUALLY_CACHED + 10
    setting.web.pages[KEYS_PAGE] = BUSY
    assert await kids(setting) == ["k1"]
    setting.web.pages[KEYS_PAGE] = GONE
    assert await kids(setting) is Reason.CLIENT_KEYS_UNAVAILABLE
