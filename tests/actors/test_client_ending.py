"""A client has ended, and everybody who gave it a grant is told, in batches."""

from pathlib import Path

import pytest

from actor_oauth.runtime import OverloadedError
from tests.support.files import find
from tests.support.told_users import (
    DAY,
    NOW,
    ListeningUser,
    PatientClient,
    opened,
    register_with_users,
    told,
    until,
)


@pytest.mark.requirement("K-10", "B-36")
async def test_a_caller_who_drives_the_batches_knows_that_all_were_told(
    tmp_path: Path,
) -> None:
    # The alarm is far away for this clock, so that only the caller is at work.
    async with opened(tmp_path, NOW - DAY, PatientClient) as system:
        client = await register_with_users(system, 5)
        assert await client.delete(now=NOW)
        assert await client.revoke_enlisted(now=NOW)
        assert not await client.revoke_enlisted(now=NOW)
        await system.delivered(client)
        for number in range(5):
            assert await told(system, f"u{number}") == [("aocl_x", 1)]
        assert not await client.revoke_enlisted(now=NOW)


@pytest.mark.requirement("K-10", "G8")
async def test_nobody_needs_to_drive_the_batches(tmp_path: Path) -> None:
    async with opened(tmp_path, NOW, PatientClient) as system:
        client = await register_with_users(system, 5)
        await client.delete(now=NOW)

        async def all_told() -> bool:
            return all([await told(system, f"u{number}") for number in range(5)])

        await until(all_told)


@pytest.mark.requirement("K-10", "G8", "G9")
async def test_a_deletion_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path, NOW - DAY, PatientClient) as system:
        client = await register_with_users(system, 5)
        await client.delete(now=NOW)
    async with opened(tmp_path, NOW + DAY, PatientClient) as system:

        async def all_told() -> bool:
            return all([await told(system, f"u{number}") for number in range(5)])

        await until(all_told)
        for number in range(5):
            assert await told(system, f"u{number}") == [("aocl_x", 1)]


@pytest.mark.requirement("K-10")
async def test_an_ended_epoch_is_told_even_if_the_client_is_enabled_meanwhile(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, NOW - DAY, PatientClient) as system:
        client = await register_with_users(system, 3)
        await client.set_disabled(disabled=True, now=NOW)
        await client.set_disabled(disabled=False, now=NOW)
        for number in range(3):
            assert await client.enlist(f"u{number}", now=NOW) == 2
        while await client.revoke_enlisted(now=NOW):
            pass
        await system.delivered(client)
        for number in range(3):
            assert await told(system, f"u{number}") == [("aocl_x", 1)]

        # What they were given since then ends with the client.
        await client.delete(now=NOW)
        while await client.revoke_enlisted(now=NOW):
            pass
        await system.delivered(client)
        for number in range(3):
            assert await told(system, f"u{number}") == [("aocl_x", 1), ("aocl_x", 2)]


@pytest.mark.requirement("K-10", "G7", "G9")
async def test_a_user_who_cannot_be_told_keeps_nobody_else_from_hearing_of_it(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, NOW - DAY, PatientClient) as system:
        for number in range(5):
            await system.get(ListeningUser, f"u{number}").revoke_client(
                client_id="before", epoch=0, now=NOW
            )
    find(tmp_path, "u1.db").write_bytes(b"damaged")
    async with opened(tmp_path, NOW - DAY, PatientClient, call_seconds=1.0) as system:
        client = await register_with_users(system, 5)
        await client.delete(now=NOW)
        while await client.revoke_enlisted(now=NOW):
            pass
        with pytest.raises(OverloadedError):
            await system.delivered(client)
        for number in (0, 2, 3, 4):
            assert ("aocl_x", 1) in await told(system, f"u{number}")
