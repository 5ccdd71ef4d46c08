"""What a browser brings back: it counts once, in time, and from whom it was asked."""

from collections.abc import Callable
from pathlib import Path

import pytest
import trio
import trio.testing
from structlog.testing import capture_logs

from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.upstream.vault import AuthSuccess, Connected
from tests.support.standin import Asked, Page, Said, Upstream
from tests.upstream.vault.logins import AS, asked_for
from tests.upstream.vault.world import BROWSER, USER, World, fault, open_world

_F = UpstreamFault


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
