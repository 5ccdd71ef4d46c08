"""From a service to its authorization server, through documents that may lie."""

import pytest

from actor_oauth.oauth.upstream.failures import UpstreamFault
from tests.support.standin import Said
from tests.upstream.vault.logins import (
    AS,
    OIDC,
    PRM,
    ROOT_PRM,
    asked_for,
    challenged,
    refusal,
)
from tests.upstream.vault.world import USER, World

_F = UpstreamFault


@pytest.mark.requirement("I-03", "I-17")
async def test_the_scope_of_the_challenge_counts_before_the_listed_ones(
    world: World,
) -> None:
    document = world.upstream.resource.url + PRM
    challenged(
        world,
        f'Basic realm="x, Bearer scope=wrong", Bearer scope="a b" ,'
        f'resource_metadata="{document}"',
    )

    assert asked_for(await world.begin())["scope"] == ["a b"]


@pytest.mark.requirement("I-04")
async def test_without_a_hint_the_path_is_asked_and_then_the_root(world: World) -> None:
    challenged(world, "Bearer")
    pages = world.upstream.resource.pages
    pages[ROOT_PRM] = pages.pop(PRM)

    await world.begin()

    paths = [asked.path for asked in world.upstream.resource.asked[1:]]
    assert paths == [PRM, ROOT_PRM]


@pytest.mark.requirement("I-04")
async def test_the_root_is_not_asked_if_the_path_has_answered(world: World) -> None:
    challenged(world, "Bearer")

    await world.begin()

    assert world.upstream.resource.count(ROOT_PRM) == 0


async def test_an_api_without_metadata_is_its_own_authorization_server(
    world: World,
) -> None:
    resource, server = world.upstream.resource, world.upstream.server
    resource.pages = {"/mcp": Said(401, {}, ("WWW-Authenticate: Bearer",))}
    metadata = {**world.upstream.metadata(), "issuer": resource.url + "/"}
    resource.pages[OIDC] = Said(members=metadata)

    begun = await world.begin(resource.url + "/mcp?session=1")

    assert begun.resource == resource.url + "/mcp"
    assert begun.url.startswith(server.url)


@pytest.mark.requirement("I-05")
async def test_metadata_of_another_resource_stops_everything(world: World) -> None:
    swapped = {**world.upstream.resource_metadata(), "resource": "https://bank.example"}
    world.upstream.resource.pages[PRM] = Said(members=swapped)

    assert await refusal(world) is _F.RESOURCE_MISMATCH
    assert world.upstream.server.asked == []


@pytest.mark.requirement("I-05")
async def test_tokens_are_for_the_resource_that_the_metadata_names(
    world: World,
) -> None:
    whole = {
        **world.upstream.resource_metadata(),
        "resource": world.upstream.resource.url,
    }
    world.upstream.resource.pages[PRM] = Said(members=whole)

    begun = await world.begin()

    assert asked_for(begun)["resource"] == [world.upstream.resource.url]
    await world.finish(world.upstream.approve(begun.url))
    [provider] = await world.vault.list_providers(USER)
    assert provider.resource == world.upstream.resource.url
    assert provider.name == "Stand-in"


@pytest.mark.requirement("I-07")
async def test_a_server_that_claims_to_be_another_one_is_refused(world: World) -> None:
    lying = {**world.upstream.metadata(), "issuer": "https://accounts.example"}
    world.upstream.server.pages[AS] = Said(members=lying)

    assert await refusal(world) is _F.ISSUER_MISMATCH
    assert world.upstream.server.count("/register") == 0


@pytest.mark.requirement("I-06")
async def test_of_an_issuer_with_a_path_the_root_is_never_asked(world: World) -> None:
    issuer = world.upstream.server.url + "/tenant"
    named = {**world.upstream.resource_metadata(), "authorization_servers": [issuer]}
    world.upstream.resource.pages[PRM] = Said(members=named)

    assert await refusal(world) is _F.NO_AUTHORIZATION_SERVER
    assert [asked.path for asked in world.upstream.server.asked] == [
        AS + "/tenant",
        OIDC + "/tenant",
        "/tenant" + OIDC,
    ]


async def test_the_first_server_that_can_be_used_is_used(world: World) -> None:
    url = world.upstream.server.url
    named = {
        **world.upstream.resource_metadata(),
        "authorization_servers": [url + "/gone", url],
    }
    world.upstream.resource.pages[PRM] = Said(members=named)

    assert (await world.begin()).url.startswith(url + "/authorize")


@pytest.mark.requirement("I-08")
async def test_a_server_without_pkce_is_refused(world: World) -> None:
    plain = {**world.upstream.metadata(), "code_challenge_methods_supported": ["plain"]}
    world.upstream.server.pages[AS] = Said(members=plain)

    assert await refusal(world) is _F.PKCE_UNSUPPORTED


@pytest.mark.requirement("I-09")
@pytest.mark.parametrize(
    ("where", "answer", "expected"),
    [
        (PRM, Said(302, headers=("Location: http://169.254.169.254/",)), None),
        (PRM, Said(200, body=b"{}" + b" " * 70_000), _F.METADATA_MALFORMED),
        (
            PRM,
            Said(200, body=b"{", media_type="application/json"),
            _F.METADATA_MALFORMED,
        ),
    ],
)
async def test_documents_that_are_none(
    world: World, where: str, answer: Said, expected: UpstreamFault | None
) -> None:
    world.upstream.resource.pages[where] = answer

    # A document that is somewhere else is not there: no redirect is followed.
    assert await refusal(world) is (expected or _F.METADATA_MALFORMED)
    assert world.upstream.server.asked == []
