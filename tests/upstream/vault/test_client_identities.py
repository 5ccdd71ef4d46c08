"""As which client the vault signs in: registered, configured, or by a document."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import trio
import trio.testing

from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.upstream.failures import UpstreamFault
from actor_oauth.oauth.upstream.policy import (
    ConfiguredClient,
    ConfiguredResource,
    VaultPolicy,
)
from actor_oauth.oauth.upstream.server_metadata import UpstreamServer
from tests.support.standin import Said, Upstream
from tests.upstream.vault.logins import AS, PRM, asked_for, refusal
from tests.upstream.vault.world import BASE, POLICY, World, open_world

_F = UpstreamFault


@pytest.mark.requirement("I-13")
async def test_a_registration_says_exactly_what_is_needed(world: World) -> None:
    begun = await world.begin()

    label = world.upstream.server.url.partition("://")[2]
    [registration] = [
        json.loads(asked.body)
        for asked in world.upstream.server.asked
        if asked.path == "/register"
    ]
    assert registration == {
        "client_name": "Us",
        "client_uri": "https://us.example",
        "redirect_uris": [f"{BASE}/callback/{label}"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "web",
        "token_endpoint_auth_method": "client_secret_basic",
    }
    assert asked_for(begun)["redirect_uri"] == registration["redirect_uris"]


@pytest.mark.requirement("I-14", "M-19")
async def test_many_first_users_register_once(world: World) -> None:
    urls: list[str] = []

    async def begin(number: int) -> None:
        begun = await world.begin(user=f"user{number}")
        urls.extend(asked_for(begun)["client_id"])

    async with trio.open_nursery() as nursery:
        for number in range(32):
            nursery.start_soon(begin, number)

    assert world.upstream.server.count("/register") == 1
    assert len(urls) == 32
    assert len(set(urls)) == 1


@pytest.mark.requirement("I-10", "I-13")
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Said(503), _F.UNREACHABLE),
        (Said(429), _F.UNREACHABLE),
        (Said(400, {"error": "invalid_redirect_uri"}), _F.REGISTRATION_REFUSED),
        (
            Said(201, {"client_id": "x", "redirect_uris": ["https://evil.example"]}),
            _F.REGISTRATION_REFUSED,
        ),
        (b"", _F.ANSWER_LOST),
    ],
)
async def test_a_registration_that_fails_is_tried_again_the_next_time(
    world: World, answer: Said | bytes, expected: UpstreamFault
) -> None:
    register = world.upstream.server.pages["/register"]
    world.upstream.server.pages["/register"] = lambda asked: answer

    assert await refusal(world) is expected
    world.upstream.server.pages["/register"] = register
    await world.begin()


@pytest.mark.requirement("I-11")
async def test_nobody_can_register_where_there_is_no_way_to(world: World) -> None:
    closed = {**world.upstream.metadata(), "registration_endpoint": None}
    world.upstream.server.pages[AS] = Said(members=closed)
    assert await refusal(world) is _F.REGISTRATION_UNAVAILABLE

    strange = {
        **world.upstream.metadata(),
        "token_endpoint_auth_methods_supported": ["tls_client_auth"],
    }
    world.upstream.server.pages[AS] = Said(members=strange)
    assert await refusal(world) is _F.REGISTRATION_UNAVAILABLE


@pytest.mark.requirement("I-13")
async def test_a_secret_that_ends_is_replaced_in_time(world: World) -> None:
    ends_at = world.clock.now() + 7200
    world.upstream.server.pages["/register"] = lambda asked: Said(
        201,
        {
            "client_id": f"c{world.upstream.server.count('/register')}",
            "client_secret": "s",
            "client_secret_expires_at": ends_at,
        },
    )
    first, second = await world.begin(), await world.begin()
    world.clock.advance(7200 - 600)
    third = await world.begin()

    clients = [asked_for(begun)["client_id"] for begun in (first, second, third)]
    assert clients == [["c1"], ["c1"], ["c2"]]


@pytest.mark.requirement("I-11", "I-12")
async def test_configured_credentials_come_first_and_go_nowhere_else(
    tmp_path: Path, upstream: Upstream
) -> None:
    ours = ConfiguredClient(issuer=upstream.server.url, client_id="by hand", secret="s")
    other = replace(ours, issuer="https://other.example", secret="other")
    policy = replace(POLICY, clients=(other, ours))
    async with open_world(tmp_path, upstream, policy=policy) as world:
        begun = await world.begin()
        assert asked_for(begun)["client_id"] == ["by hand"]
        await world.finish(upstream.approve(begun.url))
        assert upstream.server.asked[-1].basic == ("by hand", "s")
        assert upstream.server.count("/register") == 0
        clock = world.clock
    # The operator has changed the secret meanwhile; here it is wrong.
    changed = replace(POLICY, clients=(replace(ours, secret="t"),))
    async with open_world(tmp_path, upstream, policy=changed, clock=clock) as world:
        clock.advance(3500)
        assert (await world.token()).header == "Bearer access2"
        assert upstream.server.asked[-1].basic == ("by hand", "t")
        clock.advance(100)
        assert await world.fault() is _F.UNREACHABLE
    # The operator has taken the credentials away.
    async with open_world(tmp_path, upstream, clock=clock) as world:
        clock.advance(100)
        assert await world.fault() is _F.REAUTHORIZATION_NEEDED


@pytest.mark.requirement("I-12")
async def test_a_strangers_resource_does_not_get_the_credentials_of_another(
    tmp_path: Path, upstream: Upstream
) -> None:
    """Whose issuer it names in its metadata: many take no notice of the resource."""
    theirs = by_hand(upstream).resources[0]
    policy = replace(
        by_hand(upstream), resources=(replace(theirs, resource="https://api.example"),)
    )
    async with open_world(tmp_path, upstream, policy=policy) as world:
        assert asked_for(await world.begin())["client_id"] != ["by hand"]
        assert upstream.server.count("/register") == 1


async def test_the_server_with_credentials_is_preferred(
    tmp_path: Path, upstream: Upstream
) -> None:
    ours = ConfiguredClient(issuer=upstream.server.url, client_id="by hand", secret="s")
    named = {
        **upstream.resource_metadata(),
        "authorization_servers": ["https://10.0.0.1", upstream.server.url],
    }
    upstream.resource.pages[PRM] = Said(members=named)
    async with open_world(
        tmp_path, upstream, policy=replace(POLICY, clients=(ours,))
    ) as world:
        assert asked_for(await world.begin())["client_id"] == ["by hand"]


@pytest.mark.requirement("I-11")
@pytest.mark.parametrize(
    ("methods", "kind"),
    [(["none"], "client"), (["none", "private_key_jwt"], "signing-client")],
)
async def test_a_server_that_reads_documents_needs_no_registration(
    world: World, methods: list[str], kind: str
) -> None:
    reading = {
        **world.upstream.metadata(),
        "client_id_metadata_document_supported": True,
        "token_endpoint_auth_methods_supported": methods,
    }
    world.upstream.server.pages[AS] = Said(members=reading)

    label = world.upstream.server.url.partition("://")[2]
    assert asked_for(await world.begin())["client_id"] == [f"{BASE}/{kind}/{label}"]
    assert world.upstream.server.count("/register") == 0


def by_hand(upstream: Upstream, **changes: object) -> VaultPolicy:
    """A policy with an API that says nothing about itself, as some well-known ones."""
    url = upstream.server.url
    resource = ConfiguredResource(
        resource=upstream.resource.url,
        issuer=url,
        name="The API",
        scope=Scope(("repo",)),
        parameters={"access_type": "offline"},
        **changes,  # type: ignore[arg-type]  # fields by name
    )
    client = ConfiguredClient(issuer=url, client_id="by hand", secret="s")
    return replace(POLICY, resources=(resource,), clients=(client,))


async def test_a_resource_can_be_configured_by_hand(
    tmp_path: Path, upstream: Upstream
) -> None:
    server = UpstreamServer(
        issuer=upstream.server.url,
        authorization_endpoint=upstream.server.url + "/authorize",
        token_endpoint=upstream.server.url + "/token",
    )
    policy = by_hand(upstream, server=server)
    async with open_world(tmp_path, upstream, policy=policy) as world:
        begun = await world.begin(upstream.resource.url + "/user")

        query = asked_for(begun)
        assert query["scope"] == ["repo"]
        assert query["access_type"] == ["offline"]
        assert "resource" not in query
        assert upstream.resource.asked == upstream.server.asked == []


async def test_a_configured_issuer_may_speak_for_itself(
    tmp_path: Path, upstream: Upstream
) -> None:
    plain = {**upstream.metadata(), "code_challenge_methods_supported": None}
    upstream.server.pages[AS] = Said(members=plain)
    async with open_world(
        tmp_path, upstream, policy=by_hand(upstream, sends_resource=True)
    ) as world:
        begun = await world.begin(upstream.resource.url + "/user")
        assert asked_for(begun)["resource"] == [upstream.resource.url]
        upstream.server.pages[AS] = Said(500)
        assert await refusal(world, upstream.resource.url) is _F.UNREACHABLE
