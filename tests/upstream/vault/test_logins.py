"""Connecting services that are honest, careless, slow, lying or malicious."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest
import trio
import trio.testing
from structlog.testing import capture_logs

from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.policy import (
    ConfiguredClient,
    ConfiguredResource,
    VaultPolicy,
)
from actor_oauth.oauth.upstream.server_metadata import UpstreamServer
from actor_oauth.upstream.vault import AuthSuccess, Connected, LoginRedirect
from tests.support.standin import Asked, Page, Said, Upstream
from tests.upstream.vault.world import (
    BASE,
    BROWSER,
    POLICY,
    USER,
    World,
    fault,
    open_world,
    without_loopback,
)

_F = UpstreamFault
PRM: Final = "/.well-known/oauth-protected-resource/mcp"
ROOT_PRM: Final = "/.well-known/oauth-protected-resource"
AS: Final = "/.well-known/oauth-authorization-server"
OIDC: Final = "/.well-known/openid-configuration"


def asked_for(begun: LoginRedirect) -> dict[str, list[str]]:
    return parse_qs(urlsplit(begun.url).query)


async def refusal(world: World, url: str | None = None) -> UpstreamFault:
    return fault(
        await world.vault.begin_login(USER, url or world.upstream.url, browser=BROWSER)
    )


# Finding out


@pytest.mark.requirement("I-01", "I-03", "I-04", "I-06", "I-16", "I-17")
async def test_a_url_leads_to_its_authorization_server(world: World) -> None:
    begun = await world.begin(world.upstream.url)

    assert begun.resource == world.upstream.url
    query = asked_for(begun)
    assert query["resource"] == [world.upstream.url]
    assert query["scope"] == ["read"]
    assert [(asked.method, asked.path) for asked in world.upstream.resource.asked] == [
        ("HEAD", "/mcp"),
        ("GET", PRM),
    ]
    assert [asked.path for asked in world.upstream.server.asked] == [AS, "/register"]


@pytest.mark.requirement("I-01")
async def test_the_probe_says_nothing_about_who_asks(world: World) -> None:
    await world.connect()
    await world.begin()

    for asked in world.upstream.resource.asked:
        assert not {"authorization", "cookie"} & set(asked.headers)


@pytest.mark.requirement("I-01", "I-02")
async def test_a_resource_that_wants_no_token_is_public_for_a_day(world: World) -> None:
    world.upstream.resource.pages["/mcp"] = Said(members={})
    url = world.upstream.url

    begun = await world.vault.begin_login(USER, url + "?x=1", browser=BROWSER)

    assert isinstance(begun, Connected)
    assert begun.provider.is_public
    assert begun.provider.resource == url
    found = await world.token()
    assert found.header is None
    world.clock.advance(86_400)
    assert (await world.token()).header is None
    assert world.upstream.resource.count("/mcp", "HEAD") == 2


@pytest.mark.requirement("I-02")
async def test_a_public_resource_turns_at_its_first_refusal(world: World) -> None:
    world.upstream.resource.pages["/mcp"] = Said(members={})
    await world.vault.begin_login(USER, world.upstream.url, browser=BROWSER)
    found = await world.token()

    again = await world.vault.report_rejection(USER, world.upstream.url, found.version)

    assert fault(again) is _F.REAUTHORIZATION_NEEDED
    # It still answers HEAD to anybody; nobody is fooled twice.
    begun = await world.begin()
    await world.finish(world.upstream.approve(begun.url))
    assert (await world.token()).header == "Bearer access3"


@pytest.mark.requirement("I-02")
async def test_a_public_resource_that_wants_a_token_now_is_noticed_in_time(
    world: World,
) -> None:
    protected = world.upstream.resource.pages["/mcp"]
    world.upstream.resource.pages["/mcp"] = Said(members={})
    await world.vault.begin_login(USER, world.upstream.url, browser=BROWSER)
    world.clock.advance(86_400)
    world.upstream.resource.pages["/mcp"] = Said(503)
    assert await world.fault() is _F.UNREACHABLE
    world.upstream.resource.pages["/mcp"] = protected

    assert await world.fault() is _F.REAUTHORIZATION_NEEDED


@pytest.mark.requirement("I-01")
@pytest.mark.parametrize("status", [404, 405, 302, 501])
async def test_a_head_that_proves_nothing_is_followed_by_a_call(
    world: World, status: int
) -> None:
    protected = world.upstream.resource.pages["/mcp"]

    def answer(asked: Asked) -> Said:
        if asked.method == "HEAD":
            return Said(status, headers=("Location: http://127.0.0.1:1/",))
        assert callable(protected)
        said = protected(asked)
        assert isinstance(said, Said)
        return said

    world.upstream.resource.pages["/mcp"] = answer

    await world.begin()

    assert world.upstream.resource.count("/mcp", "POST") == 1
    body = json.loads(world.upstream.resource.asked[1].body)
    assert body["method"] == "server/discover"


@pytest.mark.requirement("I-01")
async def test_an_older_server_is_asked_as_it_knows_it(world: World) -> None:
    def answer(asked: Asked) -> Said:
        if asked.method == "HEAD":
            return Said(405)
        called = json.loads(asked.body)["method"]
        return Said(200 if called == "initialize" else 400)

    world.upstream.resource.pages["/mcp"] = answer

    begun = await world.vault.begin_login(USER, world.upstream.url, browser=BROWSER)

    assert isinstance(begun, Connected)
    assert begun.provider.is_public


@pytest.mark.requirement("I-01", "I-04")
async def test_who_says_nothing_but_publishes_metadata_is_protected(
    world: World,
) -> None:
    world.upstream.resource.pages["/mcp"] = Said(404)

    assert (await world.begin()).resource == world.upstream.url


async def test_who_says_nothing_at_all_cannot_be_connected(world: World) -> None:
    world.upstream.resource.pages = {"/mcp": Said(404)}

    assert await refusal(world) is _F.INCONCLUSIVE


@pytest.mark.requirement("I-10")
@pytest.mark.parametrize("answer", [Said(500), Said(429), Said(503), b"", b"x\r\n\r\n"])
@pytest.mark.parametrize("where", ["/mcp", PRM])
async def test_a_resource_that_fails_is_neither_public_nor_guessed_around(
    world: World, answer: Said | bytes, where: str
) -> None:
    world.upstream.resource.pages[where] = lambda asked: answer

    assert await refusal(world) in (_F.UNREACHABLE, _F.ANSWER_LOST)
    assert world.upstream.resource.count(ROOT_PRM) == 0
    assert world.upstream.server.asked == []


@pytest.mark.requirement("I-10")
async def test_a_server_that_fails_is_not_guessed_around(world: World) -> None:
    world.upstream.server.pages[AS] = Said(500)
    world.upstream.server.pages[OIDC] = Said(members=world.upstream.metadata())

    assert await refusal(world) is _F.UNREACHABLE
    assert world.upstream.server.count(OIDC) == 0


def challenged(world: World, challenge: str) -> None:
    line = f"WWW-Authenticate: {challenge}"
    world.upstream.resource.pages["/mcp"] = Said(401, {}, (line,))


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


@pytest.mark.requirement("I-09", "I-34")
@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/mcp",
        "https://[fe80::1]/mcp",
        "https://2130706433/mcp",
    ],
)
async def test_a_private_address_is_never_asked(world: World, url: str) -> None:
    assert await refusal(world, url) is _F.ADDRESS_REFUSED


@pytest.mark.requirement("I-09")
async def test_metadata_cannot_lead_to_a_private_address(world: World) -> None:
    challenged(world, 'Bearer resource_metadata="https://10.0.0.1/secret"')
    assert await refusal(world) is _F.ADDRESS_REFUSED

    world.upstream.set_up()
    named = {
        **world.upstream.resource_metadata(),
        "authorization_servers": ["https://10.0.0.1"],
    }
    world.upstream.resource.pages[PRM] = Said(members=named)
    assert await refusal(world) is _F.ADDRESS_REFUSED


@pytest.mark.requirement("I-09")
@pytest.mark.parametrize(
    "endpoint", ["javascript:alert(1)", "data:text/html,x", "http://a.example/x"]
)
async def test_a_browser_is_only_sent_to_https(world: World, endpoint: str) -> None:
    lying = {**world.upstream.metadata(), "authorization_endpoint": endpoint}
    world.upstream.server.pages[AS] = Said(members=lying)

    assert await refusal(world) is _F.ENDPOINT_REFUSED


@pytest.mark.parametrize(
    "url", ["", "nonsense", "ftp://a.example", "http://a.example/mcp", "https://u@a.b/"]
)
async def test_what_is_no_https_url_is_refused(world: World, url: str) -> None:
    assert await refusal(world, url or "x") is _F.URL_REFUSED
    assert world.upstream.resource.asked == []


async def test_in_production_this_machine_is_not_asked(
    tmp_path: Path, upstream: Upstream
) -> None:
    async with open_world(tmp_path, upstream, policy=without_loopback()) as world:
        assert await refusal(world) is _F.URL_REFUSED
    assert upstream.resource.asked == []


async def test_a_resource_that_never_answers_is_given_up(
    world: World, autojump_clock: trio.testing.MockClock
) -> None:
    async def never(asked: Asked) -> Said:
        await trio.sleep(3600)
        return Said()

    world.upstream.resource.pages["/mcp"] = never

    assert await refusal(world) is _F.ANSWER_LOST


# Registering


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


# Coming back


@pytest.mark.requirement("I-18", "I-39")
async def test_an_answer_counts_in_the_browser_and_for_the_user_who_asked(
    world: World,
) -> None:
    query = world.upstream.approve((await world.begin()).url)

    for changes in ({"user": "mallory"}, {"browser": "another browser"}):
        assert fault(await world.finish(query, **changes)) is _F.ATTEMPT_UNKNOWN
    assert world.upstream.server.count("/token") == 0
    assert isinstance(await world.finish(query), Connected)


@pytest.mark.requirement("I-15", "I-18")
async def test_an_answer_that_comes_too_late_is_refused(world: World) -> None:
    query = world.upstream.approve((await world.begin()).url)
    world.clock.advance(600)

    assert fault(await world.finish(query)) is _F.ATTEMPT_UNKNOWN


@pytest.mark.requirement("I-18")
@pytest.mark.parametrize(
    "change",
    [
        lambda query: query.update(state="forged"),
        lambda query: query.pop("state"),
    ],
)
async def test_an_answer_to_nothing_is_refused(
    world: World, change: Callable[[dict[str, str]], object]
) -> None:
    query = world.upstream.approve((await world.begin()).url)
    change(query)

    assert fault(await world.finish(query)) is _F.ATTEMPT_UNKNOWN


@pytest.mark.requirement("I-18", "I-19")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"iss": "https://evil.example"}, _F.CALLBACK_ISSUER_WRONG),
        ({"iss": ""}, _F.CALLBACK_ISSUER_WRONG),
        ({"error": "access_denied"}, _F.CALLBACK_MALFORMED),
        ({"code": ""}, _F.CALLBACK_MALFORMED),
        ({"code": "", "error": "access_denied"}, _F.DENIED),
    ],
)
async def test_a_mixed_up_answer_sends_no_code_anywhere_and_ends_the_attempt(
    world: World, changes: dict[str, str], expected: UpstreamFault
) -> None:
    query = world.upstream.approve((await world.begin()).url)

    assert fault(await world.finish({**query, **changes})) is expected
    # Not even the right one counts any more.
    assert fault(await world.finish(query)) is expected
    assert world.upstream.server.count("/token") == 0


@pytest.mark.requirement("I-18")
async def test_each_server_has_an_address_of_its_own_for_its_answers(
    world: World,
) -> None:
    query = world.upstream.approve((await world.begin()).url)
    elsewhere = world.vault.policy.redirect_uri("evil.example")

    refused = await world.finish(query, redirect_uri=elsewhere)

    assert fault(refused) is _F.CALLBACK_MALFORMED


@pytest.mark.requirement("I-20", "M-18")
async def test_an_answer_delivered_many_times_is_acted_on_once(world: World) -> None:
    query = world.upstream.approve((await world.begin()).url)
    answers: list[object] = []

    async def deliver() -> None:
        answers.append(await world.finish(query))

    async with trio.open_nursery() as nursery:
        for _ in range(32):
            nursery.start_soon(deliver)

    assert world.upstream.server.count("/token") == 1
    assert len(answers) == 32
    assert all(isinstance(answer, Connected) for answer in answers)
    # A reload much later shows the same.
    assert isinstance(await world.finish(query), Connected)
    assert world.upstream.server.count("/token") == 1


async def test_two_services_at_one_host_do_not_collide(world: World) -> None:
    resource = world.upstream.resource
    resource.pages["/other"] = Said(401, {}, ("WWW-Authenticate: Bearer",))
    resource.pages["/.well-known/oauth-protected-resource/other"] = Said(
        members={
            **world.upstream.resource_metadata(),
            "resource": resource.url + "/other",
        }
    )
    first = await world.begin()
    second = await world.begin(resource.url + "/other")

    await world.finish(world.upstream.approve(second.url))
    await world.finish(world.upstream.approve(first.url))

    providers = await world.vault.list_providers(USER)
    assert {provider.resource for provider in providers} == {
        resource.url + "/mcp",
        resource.url + "/other",
    }


@pytest.mark.requirement("I-21")
async def test_a_code_goes_to_the_server_that_was_recorded(world: World) -> None:
    begun = await world.begin()
    # What the server says about itself afterwards changes nothing.
    moved = {**world.upstream.metadata(), "token_endpoint": "https://10.0.0.1/token"}
    world.upstream.server.pages[AS] = Said(members=moved)

    await world.finish(world.upstream.approve(begun.url))

    form = world.upstream.server.asked[-1].form
    assert form["resource"] == world.upstream.url
    assert form["redirect_uri"] == asked_for(begun)["redirect_uri"][0]
    assert (await world.token()).header == "Bearer access3"


@pytest.mark.requirement("I-22", "I-34")
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Said(200, {"access_token": "a"}), _F.TOKEN_RESPONSE_MALFORMED),
        (Said(200, {"token_type": "Bearer"}), _F.TOKEN_RESPONSE_MALFORMED),
        (
            Said(200, {"access_token": "a", "token_type": "mac"}),
            _F.TOKEN_TYPE_UNSUPPORTED,
        ),
        (
            Said(
                200, body=b"access_token=a&token_type=bearer", media_type="text/plain"
            ),
            _F.TOKEN_RESPONSE_MALFORMED,
        ),
        (
            Said(200, {"access_token": "a\r\nEvil: x", "token_type": "Bearer"}),
            _F.TOKEN_RESPONSE_MALFORMED,
        ),
        (Said(200, body=b"{" + b" " * 70_000), _F.TOKEN_RESPONSE_MALFORMED),
        (Said(307, {}, ("Location: http://169.254.169.254/",)), _F.TOKEN_REFUSED),
        (Said(400, {"error": "invalid_grant"}), _F.GRANT_REJECTED),
        (Said(500), _F.UNREACHABLE),
        (lambda asked: None, _F.ANSWER_LOST),
    ],
)
async def test_a_token_answer_that_cannot_be_used_connects_nothing(
    world: World, answer: Page, expected: UpstreamFault
) -> None:
    query = world.upstream.approve((await world.begin()).url)
    world.upstream.answers = [answer]

    assert fault(await world.finish(query)) is expected
    assert await world.vault.list_providers(USER) == ()
    assert world.upstream.server.count("/token") == 1


@pytest.mark.requirement("I-25")
@pytest.mark.parametrize("life", [None, 0, -60, "soon", 1e300])
async def test_a_token_of_unknown_life_is_used_until_it_is_refused(
    world: World, life: object
) -> None:
    query = world.upstream.approve((await world.begin()).url)
    members = {"access_token": "a", "token_type": "Bearer", "expires_in": life}
    world.upstream.answers = [Said(members={**members, "refresh_token": "r"})]
    await world.finish(query)

    world.clock.advance(10**8)

    assert (await world.token()).header == "Bearer a"


@pytest.mark.requirement("I-14", "I-31")
async def test_a_client_that_is_refused_with_the_code_registers_anew(
    world: World,
) -> None:
    query = world.upstream.approve((await world.begin()).url)
    world.upstream.answers = [Said(401, {"error": "invalid_client"})]

    assert fault(await world.finish(query)) is _F.CLIENT_REJECTED
    await world.connect()

    assert world.upstream.server.count("/register") == 2


@pytest.mark.requirement("I-32")
async def test_a_removal_wins_over_a_sign_in_on_its_way(world: World) -> None:
    await world.connect()
    query = world.upstream.approve((await world.begin()).url)
    arrived, go_on = trio.Event(), trio.Event()

    async def hold(asked: Asked) -> Said:
        answer = world.upstream.token(asked)
        arrived.set()
        await go_on.wait()
        return answer

    world.upstream.answers = [hold]
    answers: list[object] = []

    async def deliver() -> None:
        answers.append(await world.finish(query))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(deliver)
        await arrived.wait()
        await world.vault.remove(USER, world.upstream.url)
        go_on.set()

    assert answers == [UpstreamFailed(fault=_F.NOT_CONNECTED)]
    assert await world.vault.list_providers(USER) == ()
    assert "refresh5" in world.upstream.revoked


# What the application says


async def test_the_application_names_a_connection(
    tmp_path: Path, upstream: Upstream
) -> None:
    told: list[tuple[str, str | None]] = []

    async def name(resource: str, header: str | None) -> AuthSuccess:
        told.append((resource, header))
        return AuthSuccess(name="Ours", metadata={"tools": ["a"]})

    async with open_world(
        tmp_path, upstream, callbacks=Callbacks(on_auth_success=name)
    ) as world:
        await world.connect()
        [provider] = await world.vault.list_providers(USER)
        assert (provider.name, provider.metadata) == ("Ours", {"tools": ["a"]})
        upstream.resource.pages["/open"] = Said()
        await world.vault.begin_login(
            USER, upstream.resource.url + "/open", browser=BROWSER
        )

    assert told == [
        (upstream.url, "Bearer access3"),
        (upstream.resource.url + "/open", None),
    ]


@pytest.mark.requirement("K-12")
async def test_an_application_that_fails_connects_all_the_same_and_logs_no_token(
    tmp_path: Path, upstream: Upstream
) -> None:
    answers: list[Callable[[str], AuthSuccess | None]] = [
        lambda _: None,
        lambda _: AuthSuccess(metadata="x" * 20_000),
        fail_with,
    ]

    async def name(resource: str, header: str | None) -> AuthSuccess | None:
        if not answers:
            await trio.sleep_forever()
        return answers.pop(0)(header or "")

    callbacks = Callbacks(on_auth_success=name, seconds=0.05)
    async with open_world(tmp_path, upstream, callbacks=callbacks) as world:
        with capture_logs() as logs:
            for _ in range(4):
                await world.connect()
        [provider] = await world.vault.list_providers(USER)
        assert provider.name == "Stand-in"
    failed = [entry for entry in logs if entry.get("callback") == "on_auth_success"]
    assert [entry.get("fault") for entry in failed] == [
        "ValueError",
        "LookupError",
        None,
    ]
    # Its text is the token that it was given, and a traceback would repeat it.
    assert not any("exc_info" in entry or "Bearer" in str(entry) for entry in failed)


def fail_with(header: str) -> AuthSuccess | None:
    raise LookupError(header)
