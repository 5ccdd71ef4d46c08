"""What single clients do that servers have stumbled over, in the requests that they send."""

from dataclasses import replace
from pathlib import Path

import pytest
import trio

from tests.clients.agent import ISSUER, SERVER_URL, Agent, Shop, open_shop
from tests.clients.profiles import (
    CHATGPT,
    CLAUDE,
    CLAUDE_CODE,
    CLAUDE_DCR,
    CODEX,
    COPILOT,
    COPILOT_STUDIO,
    CURSOR,
    GEMINI,
    MCP_REMOTE,
    N8N,
    PYTHON_SDK,
    VSCODE,
    VSCODE_DCR,
    Profile,
)

EGRESS = [f"192.0.2.{number}" for number in range(1, 6)]


async def connected(shop: Shop, profile: Profile) -> Agent:
    """A client that was let in."""
    agent = Agent(shop, profile)
    await agent.connect()
    return agent


# claude.ai


@pytest.mark.requirement("D-25", "D-30")
async def test_claude_refreshes_from_several_addresses_at_once(shop: Shop) -> None:
    agent = await connected(shop, CLAUDE_CODE)
    answers = []

    async def refresh(address: str) -> None:
        answers.append(await agent.refresh(address))

    async with trio.open_nursery() as nursery:
        for address in EGRESS:
            nursery.start_soon(refresh, address)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


@pytest.mark.requirement("E-06", "B-34")
async def test_claude_registers_anew_when_it_is_told_that_it_is_unknown(
    shop: Shop,
) -> None:
    agent = await connected(shop, CLAUDE_DCR)
    await shop.server.delete_client(agent.client_id)
    for answer in (await agent.redeem("aoac_x"), await agent.refresh()):
        # It looks for exactly this: any other error makes it give up or try for ever.
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    await agent.connect()
    assert (await agent.call()).status_code == 200


async def test_claude_registers_for_every_connection_from_few_addresses(
    shop: Shop,
) -> None:
    for _ in range(40):
        agent = Agent(shop, CLAUDE_DCR)
        await agent.discover()
        await agent.identify()


async def test_a_new_registration_of_claude_leaves_the_grants_of_the_others(
    shop: Shop,
) -> None:
    first = await connected(shop, CLAUDE_DCR)
    await connected(shop, CLAUDE_DCR)
    assert (await first.call()).status_code == 200


@pytest.mark.requirement("A-05")
async def test_claude_finds_both_flags_that_it_wants_before_it_uses_its_document(
    shop: Shop,
) -> None:
    agent = Agent(shop, CLAUDE)
    await agent.discover()
    assert agent.metadata["client_id_metadata_document_supported"] is True
    methods = agent.metadata["token_endpoint_auth_methods_supported"]
    assert isinstance(methods, list)
    assert "none" in methods


# Claude Code


@pytest.mark.requirement("C-21")
async def test_a_second_installation_of_claude_code_leaves_the_first_logged_in(
    shop: Shop,
) -> None:
    laptop = await connected(shop, CLAUDE_CODE)
    # The same client id and, by chance, the same port on another machine.
    desktop = await connected(shop, CLAUDE_CODE)
    for agent in (laptop, desktop):
        assert (await agent.call()).status_code == 200
        assert (await agent.refresh()).status_code == 200


@pytest.mark.requirement("B-04")
@pytest.mark.parametrize("port", [1024, 3118, 65535])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_claude_code_listens_on_a_port_that_its_document_does_not_name(
    host: str, port: int, shop: Shop
) -> None:
    redirect_uri = f"http://{host}:{port}/callback"
    await connected(shop, replace(CLAUDE_CODE, redirect_uri=redirect_uri))


@pytest.mark.requirement("D-20")
async def test_a_refresh_that_leaves_out_the_scope_keeps_what_was_granted(
    shop: Shop,
) -> None:
    agent = await connected(shop, CLAUDE_CODE)
    granted = agent.tokens["scope"]
    assert "offline_access" in granted.split()
    for _ in range(3):
        agent.tokens = (await agent.refresh()).json()
        assert agent.tokens["scope"] == granted


async def test_a_refresh_that_repeats_the_scope_is_as_good(shop: Shop) -> None:
    agent = await connected(shop, replace(CLAUDE_CODE, refreshes_with_scope=True))
    assert (await agent.refresh()).status_code == 200


# ChatGPT


@pytest.mark.requirement("E-10")
async def test_chatgpt_proves_itself_by_a_key_and_never_twice_with_one_assertion(
    shop: Shop,
) -> None:
    agent = await connected(shop, CHATGPT)
    assert (await agent.refresh()).status_code == 200
    agent.assertions -= 1
    replayed = await agent.refresh()
    assert (replayed.status_code, replayed.json()["error"]) == (401, "invalid_client")


async def test_chatgpt_is_told_of_refresh_tokens_before_it_asks_for_one(
    shop: Shop,
) -> None:
    agent = await connected(shop, CHATGPT)
    offered = agent.metadata["scopes_supported"]
    assert isinstance(offered, list)
    assert "offline_access" in offered
    assert "refresh_token" in agent.tokens


# VS Code


@pytest.mark.requirement("B-22")
async def test_vscode_registers_a_grant_type_that_is_off_and_gets_the_others(
    shop: Shop,
) -> None:
    assert VSCODE_DCR.registration is not None
    answer = await shop.http().post("/register", json=dict(VSCODE_DCR.registration))
    assert answer.status_code == 201
    registered = answer.json()
    assert registered["grant_types"] == ["authorization_code", "refresh_token"]
    assert registered["redirect_uris"] == VSCODE_DCR.registration["redirect_uris"]


# Cursor


async def test_cursor_is_let_in_by_its_own_scheme_only_where_that_is_allowed(
    tmp_path: Path,
) -> None:
    assert CURSOR.registration is not None
    async with open_shop(tmp_path, private_use_schemes=()) as shop:
        answer = await shop.http().post("/register", json=dict(CURSOR.registration))
        assert answer.status_code == 400
        assert answer.json()["error"] == "invalid_redirect_uri"


async def test_cursor_may_ask_again_and_again_with_a_dead_refresh_token(
    shop: Shop,
) -> None:
    agent = await connected(shop, CURSOR)
    await shop.server.revoke_grant("ada", (await grant_ids(shop))[0])
    for _ in range(50):
        answer = await agent.refresh()
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    # Nobody else at that address is the worse for it.
    await connected(shop, CLAUDE_CODE)


@pytest.mark.parametrize(
    ("profile", "redirect_uri"),
    [
        (VSCODE, "https://vscode.dev/redirect"),
        (VSCODE_DCR, "https://insiders.vscode.dev/redirect"),
        (CURSOR, "http://localhost:8787/callback"),
        (CURSOR, "https://www.cursor.com/agents/mcp/oauth/callback"),
    ],
)
async def test_editors_run_in_browsers_and_agents_too_and_come_back_elsewhere(
    profile: Profile, redirect_uri: str, shop: Shop
) -> None:
    await connected(shop, replace(profile, redirect_uri=redirect_uri))


async def grant_ids(shop: Shop) -> list[str]:
    """Of the grants that are in force."""
    page = await shop.server.list_user_grants("ada")
    return [grant.grant_id for grant in page.grants]


# Codex


@pytest.mark.requirement("C-09", "D-09")
async def test_codex_names_the_resource_once_and_never_again(shop: Shop) -> None:
    agent = await connected(shop, CODEX)
    assert agent.tokens["resource"] == SERVER_URL
    assert (await agent.refresh()).json()["resource"] == SERVER_URL


@pytest.mark.requirement("B-30")
async def test_codex_never_registers_again_so_its_client_lives_as_long_as_its_grant(
    shop: Shop,
) -> None:
    agent = await connected(shop, CODEX)
    for _ in range(3):
        # Longer than unused clients are kept, in all; never longer than a grant is.
        shop.clock.advance(25 * 86_400)
        await shop.server.purge_expired_data()
        answer = await agent.refresh()
        assert answer.status_code == 200, answer.text
        agent.tokens = answer.json()
    assert (await agent.call()).status_code == 200


async def test_codex_names_the_same_resource_twice(shop: Shop) -> None:
    agent = Agent(shop, CODEX)
    await agent.discover()
    await agent.identify()
    code = await agent.code(resource=[SERVER_URL, SERVER_URL])
    answer = await agent.redeem(code, resource=[SERVER_URL, SERVER_URL])
    assert answer.status_code == 200, answer.text


# Gemini CLI


@pytest.mark.requirement("A-11")
async def test_gemini_compares_the_resource_with_what_its_user_typed(
    shop: Shop,
) -> None:
    http = shop.http()
    inserted = await http.get("/.well-known/oauth-protected-resource/mcp")
    root = await http.get("/.well-known/oauth-protected-resource")
    assert inserted.json()["resource"] == root.json()["resource"] == SERVER_URL


async def test_gemini_registers_with_members_that_nobody_else_knows(shop: Shop) -> None:
    await connected(shop, GEMINI)


# Copilot CLI


@pytest.mark.requirement("D-25")
async def test_copilot_refreshes_in_many_sessions_at_once_and_goes_on(
    shop: Shop,
) -> None:
    agent = await connected(shop, COPILOT)
    answers = []

    async def refresh() -> None:
        answers.append(await agent.refresh())

    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(refresh)
    for answer in answers:
        agent.tokens = answer.json()
        assert (await agent.call()).status_code == 200
        assert (await agent.refresh()).status_code == 200


# mcp-remote


@pytest.mark.requirement("B-04")
async def test_mcp_remote_finds_its_port_taken_and_listens_on_another(
    shop: Shop,
) -> None:
    agent = Agent(shop, MCP_REMOTE)
    await agent.discover()
    await agent.identify()
    # The port of its registration follows from the server's address; any may be taken.
    agent.profile = replace(
        MCP_REMOTE, redirect_uri="http://localhost:41993/oauth/callback"
    )
    await agent.sign_in()
    assert (await agent.call()).status_code == 200


@pytest.mark.requirement("D-25", "D-26")
async def test_an_instance_of_mcp_remote_wakes_up_with_the_token_before_last(
    shop: Shop,
) -> None:
    agent = await connected(shop, MCP_REMOTE)
    old = dict(agent.tokens)
    agent.tokens = (await agent.refresh()).json()
    shop.clock.advance(60)
    newest = (await agent.refresh()).json()
    agent.tokens = old
    assert (await agent.refresh()).json()["refresh_token"] == newest["refresh_token"]


# MCP SDKs


async def test_an_sdk_that_looks_for_openid_first_is_sent_on_by_a_clean_404(
    shop: Shop,
) -> None:
    for path in (
        "/.well-known/openid-configuration/mcp",
        "/.well-known/oauth-authorization-server/mcp",
        "/mcp/.well-known/openid-configuration",
    ):
        answer = await shop.http().get(path)
        assert answer.status_code in (401, 404)
        assert answer.headers["content-type"] == "application/json"


async def test_the_python_sdk_repeats_that_it_wants_consent(shop: Shop) -> None:
    """It sends `prompt=consent` with `offline_access`, on every authorization."""
    agent = await connected(shop, PYTHON_SDK)
    await agent.sign_in()
    assert (await agent.call()).status_code == 200


@pytest.mark.requirement("B-05")
async def test_the_root_resource_goes_with_and_without_its_slash(
    tmp_path: Path,
) -> None:
    root = {
        "identifier": ISSUER,
        "scopes": ["notes:read"],
        "default_scopes": ["notes:read"],
    }
    async with open_shop(tmp_path, resources=[root]) as shop:
        for spelling in (ISSUER, f"{ISSUER}/"):
            agent = Agent(shop, replace(PYTHON_SDK, scope_from="nowhere"))
            await agent.look_up()
            await agent.identify()
            code = await agent.code(resource=spelling)
            answer = await agent.redeem(code, resource=spelling)
            assert answer.status_code == 200, answer.text


@pytest.mark.requirement("A-10")
async def test_an_sdk_without_a_header_finds_the_metadata_by_path_and_at_the_root(
    shop: Shop,
) -> None:
    well_known = "/.well-known/oauth-protected-resource"
    for path in (f"{well_known}/mcp", well_known):
        answer = await shop.http().get(path, headers={"Origin": "https://claude.ai"})
        assert answer.json()["resource"] == SERVER_URL
        assert answer.headers["access-control-allow-origin"] == "*"


# n8n and Copilot Studio


async def test_n8n_knows_neither_scope_nor_resource(shop: Shop) -> None:
    agent = await connected(shop, N8N)
    assert agent.tokens["scope"] == "notes:read"
    assert agent.tokens["resource"] == SERVER_URL


async def test_copilot_studio_gets_a_refresh_token_if_it_asks_as_told(
    shop: Shop,
) -> None:
    agent = await connected(shop, COPILOT_STUDIO)
    assert "offline_access" in agent.tokens["scope"].split()
    assert (await agent.refresh()).status_code == 200
