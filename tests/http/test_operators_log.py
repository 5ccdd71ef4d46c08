"""What an operator finds in the log about requests that were refused or put off."""

import re

import pytest
from structlog.testing import capture_logs
from trio.testing import MockClock

from actor_oauth.actors.refusals import Refusals
from actor_oauth.http.faults import FaultLog
from actor_oauth.oauth.wire import Reason, Refused
from actor_oauth.runtime import OverloadedError, StorageError
from tests.http.deployment import USER, Deployment, basic


@pytest.mark.requirement("K-12")
async def test_a_refusal_names_reason_client_and_grant_and_no_secret(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    code = await deployment.code(client)
    assert (await deployment.redeem(client, code)).status_code == 200
    [grant] = (await deployment.server.list_user_grants(USER)).grants

    with capture_logs() as logs:
        assert (await deployment.redeem(client, code)).status_code == 400

    [line] = logs
    assert (line["event"], line["reason"]) == ("refused", "code_replayed")
    assert line["category"] == "invalid_grant"
    assert line["client_id"] == client["client_id"]
    address, _, grant_id = line["grant"].rpartition("/")
    assert grant_id == grant.grant_id
    assert await deployment.server.user_at(address) == USER
    assert code.partition("_")[2][:12] not in str(line)
    # As a word: the address is hexadecimal, and may have these letters in it.
    assert not re.search(rf"\b{USER}\b", str(line))


async def test_a_refused_client_is_named_wherever_its_id_stands(
    deployment: Deployment,
) -> None:
    client = await deployment.register(method="client_secret_basic")
    header = basic(client["client_id"], "a wrong secret")
    with capture_logs() as logs:
        for path in ("/token", "/revoke", "/introspect", "/par"):
            await deployment.post(path, {"token": "x"}, Authorization=header)
        await deployment.post("/token", {"client_id": "mine"}, Authorization="Basic !")

    assert [line["endpoint"] for line in logs] == [
        "token",
        "revoke",
        "introspect",
        "par",
        "token",
    ]
    named = [line["client_id"] for line in logs]
    assert named == [*4 * [client["client_id"]], "mine"]
    assert "a wrong secret" not in str(logs)


async def test_whoever_guesses_is_named_by_address_and_what_was_typed_is_not(
    deployment: Deployment,
) -> None:
    browser = deployment.browser("203.0.113.7")
    page = await browser.get("/login")
    with capture_logs() as logs:
        await browser.submit(page, username="a secret, mistyped", password="guess")
    [line] = logs
    assert (line["reason"], line["caller"]) == ("login_refused", "203.0.113.7")
    assert "mistyped" not in str(line)

    header = basic("nobody", "guess")
    with capture_logs() as logs:
        for _ in range(30):
            await deployment.post("/token", {"token": "x"}, Authorization=header)
    assert logs[-1]["reason"] == "rate_limited"
    assert logs[-1]["caller"] == "198.51.100.2"


async def test_who_is_over_a_limit_fills_no_disk(mock_clock: MockClock) -> None:
    refusals, limited = Refusals(), Refused(Reason.RATE_LIMITED)
    with capture_logs() as logs:
        for _ in range(1000):
            refusals.note(limited, "token", client_id="x" * 2048, caller="203.0.113.7")
        refusals.note(limited, "token", caller="203.0.113.8")
        mock_clock.jump(1.0)
        refusals.note(limited, "token", caller="203.0.113.7")
    assert [(line["caller"], line.get("more_like_it")) for line in logs] == [
        ("203.0.113.7", None),
        ("203.0.113.8", None),
        ("203.0.113.7", 999),
    ]
    assert len(str(logs[0])) < 600


async def test_what_is_not_known_is_not_logged_as_nothing(
    deployment: Deployment,
) -> None:
    with capture_logs() as logs:
        await deployment.post("/token", {"grant_type": "refresh_token"})
    [line] = logs
    assert line["reason"] == "client_id_missing"
    assert {"client_id", "grant", "detail"}.isdisjoint(line)


async def test_only_addresses_of_users_lead_to_a_name(deployment: Deployment) -> None:
    server = deployment.server
    address = server.user_address(USER)
    assert await server.user_at(address) == USER
    assert await server.user_at("user/" + "0" * 32) is None
    for text in ("nonsense", address.replace("user", "client")):
        with pytest.raises(ValueError, match="not"):
            await server.user_at(text)


async def test_the_same_trouble_is_told_once_a_second_and_counted(
    mock_clock: MockClock,
) -> None:
    log = FaultLog()

    def refuse(fault: Exception) -> None:
        told = log.log(fault, method="POST", path="/token")
        assert told in (Reason.OVERLOADED, Reason.STORAGE_FAILED)

    full = StorageError("user/ab: the storage refused: No space left on device")
    with capture_logs() as logs:
        for _ in range(1000):
            refuse(full)
        refuse(OverloadedError("user/cd: the deadline passed"))
        mock_clock.jump(1.0)
        refuse(ExceptionGroup("of a nursery", [full]))
        mock_clock.jump(1.0)
        refuse(full)

    assert [(line["fault"], line.get("more_like_it")) for line in logs] == [
        (f"StorageError: {full}", None),
        ("OverloadedError: user/cd: the deadline passed", None),
        (f"StorageError: {full}", 999),
        (f"StorageError: {full}", None),
    ]
    assert all("frames" not in line for line in logs)
