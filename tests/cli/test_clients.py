import json

import pytest

from actor_oauth.oauth.grant_types import DEVICE_CODE, TOKEN_EXCHANGE
from tests.cli.conftest import Command

CALLBACK = "http://127.0.0.1/callback"
ADD = ("clients", "add", "--name", "Notes", "--redirect-uri", CALLBACK)


@pytest.mark.requirement("B-05")
def test_a_client_is_printed_as_json_and_nothing_else(actor_oauth: Command) -> None:
    done = actor_oauth(*ADD, "--json")
    assert (done.status, done.err) == (0, "")
    client = json.loads(done.out)
    assert client["client_name"] == "Notes"
    assert client["redirect_uris"] == [CALLBACK]
    assert client["token_endpoint_auth_method"] == "none"
    assert "client_secret" not in client


@pytest.mark.requirement("B-05")
def test_a_confidential_client_gets_a_secret_that_is_shown_once(
    actor_oauth: Command,
) -> None:
    made = json.loads(actor_oauth(*ADD, "--confidential", "--json").out)
    assert made["client_secret"].startswith("aocs_")
    assert made["client_secret_expires_at"] == 0
    assert made["client_secret"] not in actor_oauth("clients", "list", "--json").out


def test_as_text_each_member_has_its_line(actor_oauth: Command) -> None:
    done = actor_oauth(*ADD, "--confidential", "--scope", "mcp")
    members = dict(line.split(None, 1) for line in done.out.splitlines())
    assert members["client_name"] == "Notes"
    assert members["scope"] == "mcp"
    assert "only its hash is stored" in done.err


def test_several_redirect_uris_and_scopes_are_given_one_by_one(
    actor_oauth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = {"identifier": "http://127.0.0.1:8000/mcp", "scopes": "mcp x"}
    monkeypatch.setenv("ACTOR_OAUTH_RESOURCES", json.dumps([resource]))
    more = ("--redirect-uri", "https://a.example/cb", "--scope", "mcp", "--scope", "x")
    client = json.loads(actor_oauth(*ADD, *more, "--json").out)
    assert client["redirect_uris"] == [CALLBACK, "https://a.example/cb"]
    assert client["scope"] == "mcp x"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--redirect-uri", "http://a.example/cb"), "redirect URI"),
        (("--redirect-uri", "javascript:alert(1)"), "redirect URI"),
        (("--scope", 'mc"p'), "--scope is no scope"),
    ],
)
def test_what_cannot_be_registered_is_refused_in_a_sentence(
    actor_oauth: Command, arguments: tuple[str, ...], words: str
) -> None:
    done = actor_oauth(*ADD, *arguments)
    assert done.status == 1
    assert words in done.err
    assert done.out == ""
    assert actor_oauth("clients", "list", "--json").out == "[]\n"


def test_clients_are_listed_until_they_are_deleted(actor_oauth: Command) -> None:
    client_id = json.loads(actor_oauth(*ADD, "--json").out)["client_id"]
    assert (
        f"{client_id}  Notes  pre-registered  none"
        in actor_oauth("clients", "list").out
    )
    [listed] = json.loads(actor_oauth("clients", "list", "--json").out)
    assert listed["client_id"] == client_id
    assert listed["origin"] == "pre-registered"
    assert actor_oauth("clients", "delete", client_id).status == 0
    assert json.loads(actor_oauth("clients", "list", "--json").out) == []
    again = actor_oauth("clients", "delete", client_id)
    assert (again.status, again.out) == (1, "")


def test_a_name_cannot_steer_the_terminal(actor_oauth: Command) -> None:
    name = "[bold]x\x1b[2J\x9b2J\u202e"
    done = actor_oauth("clients", "add", "--name", name, "--redirect-uri", CALLBACK)
    listed = actor_oauth("clients", "list")
    as_json = actor_oauth("clients", "list", "--json")
    for said in (done.out, listed.out, as_json.out):
        assert not {"\x1b", "\x9b", "\u202e"} & set(said)
    if done.status == 0:
        assert "[bold]x" in listed.out


def test_a_setting_of_the_server_is_needed_to_register_what_it_allows(
    actor_oauth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = ("clients", "add", "--name", "Editor", "--redirect-uri", "cursor://cb")
    assert actor_oauth(*add).status == 1
    monkeypatch.setenv("ACTOR_OAUTH_PRIVATE_USE_SCHEMES", "cursor")
    assert actor_oauth(*add).status == 0


@pytest.mark.requirement("D-34")
def test_a_service_acts_for_itself(actor_oauth: Command) -> None:
    add = ("clients", "add", "--name", "Robot", "--service", "--scope", "mcp")
    done = actor_oauth(*add, "--resource", "http://127.0.0.1:8000/mcp", "--json")
    assert done.status == 0
    made = json.loads(done.out)
    assert made["grant_types"] == ["client_credentials"]
    assert made["client_secret"].startswith("aocs_")
    assert "client_credentials_enabled" in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--service",), "--service needs --scope"),
        (("--service", "--scope", "mcp", "--confidential"), "--service needs --scope"),
        (("--service", "--scope", "other"), "The scope exceeds"),
        (("--resource", "http://x/"), "only for --service clients"),
        ((), "specify --redirect-uri"),
    ],
)
def test_a_service_is_told_apart_from_a_client_of_users(
    actor_oauth: Command, arguments: tuple[str, ...], words: str
) -> None:
    done = actor_oauth("clients", "add", "--name", "Robot", *arguments)
    assert (done.status, done.out) == (1, "")
    assert words in done.err


@pytest.mark.requirement("B-35")
def test_a_client_is_changed_and_given_another_secret(actor_oauth: Command) -> None:
    made = json.loads(actor_oauth(*ADD, "--confidential", "--json").out)
    change = ("clients", "update", made["client_id"], "--name", "Other", "--json")
    changed = json.loads(actor_oauth(*change, "--scope", "mcp").out)
    assert (changed["client_name"], changed["scope"]) == ("Other", "mcp")
    assert "client_secret" not in changed
    done = actor_oauth(*change, "--any-scope", "--new-secret")
    changed = json.loads(done.out)
    assert "scope" not in changed
    assert changed["client_secret"] != made["client_secret"]
    assert changed["redirect_uris"] == [CALLBACK]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--scope", "mcp", "--any-scope"), "exclude each other"),
        (("--resource", "http://127.0.0.1:8000/mcp"), "have redirect URIs"),
        (("--new-secret",), "has no secret"),
        (("--redirect-uri", "ftp://x"), "redirect URI"),
    ],
)
def test_a_change_that_cannot_be_is_told_in_a_sentence(
    actor_oauth: Command, arguments: tuple[str, ...], words: str
) -> None:
    client_id = json.loads(actor_oauth(*ADD, "--json").out)["client_id"]
    done = actor_oauth("clients", "update", client_id, *arguments)
    assert (done.status, done.out) == (1, "")
    assert words in done.err


def test_a_client_is_disabled_and_enabled_once(actor_oauth: Command) -> None:
    client_id = json.loads(actor_oauth(*ADD, "--json").out)["client_id"]
    assert actor_oauth("clients", "disable", client_id).status == 0
    assert actor_oauth("clients", "disable", client_id).status == 1
    done = actor_oauth("clients", "update", client_id, "--name", "Other")
    assert "no active client" in done.err
    assert actor_oauth("clients", "enable", client_id).status == 0
    assert actor_oauth("clients", "enable", client_id).status == 1


@pytest.mark.requirement("B-05", "C-06", "C-07")
def test_a_client_is_registered_for_what_a_setting_has_turned_on(
    actor_oauth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    bye = "https://a.example/bye"
    for option, setting in (
        (("--plain-pkce",), "plain_pkce_enabled"),
        (("--implicit",), "implicit_enabled"),
        (("--post-logout-redirect-uri", bye), "openid_enabled"),
        (("--device",), "device_authorization_enabled"),
        (("--exchange",), "token_exchange_enabled"),
    ):
        refused = actor_oauth(*ADD, *option)
        assert refused.status == 1
        assert f"{setting} is off" in refused.err
        monkeypatch.setenv(f"ACTOR_OAUTH_{setting.upper()}", "true")

    more = ("--implicit", "--plain-pkce", "--post-logout-redirect-uri", bye)
    client = json.loads(actor_oauth(*ADD, *more, "--json").out)

    assert client["response_types"] == ["code", "token"]
    assert client["grant_types"] == ["authorization_code", "refresh_token", "implicit"]
    assert client["post_logout_redirect_uris"] == [bye]

    for_others = (*ADD, "--confidential", "--exchange", "--device", "--json")
    assert json.loads(actor_oauth(*for_others).out)["grant_types"] == [
        "authorization_code",
        "refresh_token",
        TOKEN_EXCHANGE,
        DEVICE_CODE,
    ]
    television = actor_oauth("clients", "add", "--name", "TV", "--device", "--json")
    client = json.loads(television.out)
    assert (client["redirect_uris"], client["response_types"]) == ([], [])
    assert client["grant_types"] == ["refresh_token", DEVICE_CODE]
