from pathlib import Path

import pytest

from actor_oauth.config import (
    ConfigError,
    LogFormat,
    Settings,
    load_settings,
)
from actor_oauth.config.load import unknown_variables


def problems_of(file: Path | None = None, **overrides: object) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load_settings(file=file, overrides=overrides)
    return caught.value.problems


def toml(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "actor-oauth.toml"
    file.write_text(text)
    return file


def test_without_file_and_environment_the_defaults_hold() -> None:
    assert load_settings() == Settings()


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = toml(tmp_path, "port = 1001\ncode_seconds = 31\naccess_token_seconds = 301")
    monkeypatch.setenv("ACTOR_OAUTH_PORT", "1002")
    monkeypatch.setenv("ACTOR_OAUTH_CODE_SECONDS", "32")
    settings = load_settings(file=file, overrides={"port": 1003})
    assert settings.port == 1003
    assert settings.code_seconds == 32
    assert settings.access_token_seconds == 301
    assert settings.refresh_grace_seconds == 120


TRUSTED = (
    '[{"issuer": "https://idp.example", "jwks_uri": "https://idp.example/keys",'
    ' "uses": ["software-statement"]}]'
)

SERVICES = (
    '[{"name": "idp", "kind": "oidc", "issuer": "https://idp.example",'
    ' "client_id": "us", "method": "none", "everyone": true}]'
)


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_also_an_environment_variable(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    value: object = {
        "issuer": "http://127.0.0.1:9",
        "resources": '[{"identifier": "http://127.0.0.1:8000/x", "scopes": "a b"}]',
        "default_resource": "http://127.0.0.1:8000/x",
        "scope_descriptions": '{"mcp": "Use the tools"}',
        "private_use_schemes": "cursor, vscode",
        "registration_enabled": "false",
        "client_metadata_documents_enabled": "false",
        "loopback_documents": "true",
        "loopback_upstreams": "true",
        "vault_enabled": "true",
        "vault_prefix": "/connect",
        "vault_api": "true",
        "vault_confirm": "false",
        "vault_client_name": "Ours",
        "vault_clients": '[{"issuer": "https://a.b", "client_id": "c", "method": "none"}]',
        "vault_resources": '[{"url": "https://b.example", "issuer": "https://a.example"}]',
        "registration_token_required": "true",
        "public_registration": "false",
        "registration_management_enabled": "true",
        "strict_assertion_audience": "true",
        "require_pushed_authorization_requests": "true",
        "client_credentials_enabled": "true",
        "token_exchange_enabled": "true",
        "exchange_clients": "aocl_a, aocl_b",
        "exchange_targets": '{"http://127.0.0.1:8000/mcp": "http://127.0.0.1:8000/mcp"}',
        "device_authorization_enabled": "true",
        "device_code_seconds": "600",
        "replace_grants": "never",
        "client_logos": "true",
        "remember_consent": "always",
        "refresh_tokens": "offline_access",
        "dpop_nonces_required": "true",
        "refresh_rotation": "unless_bound",
        "refresh_reuse": "reject",
        "refresh_same_instance": "false",
        "client_refresh": '{"app": {"reuse": "reject"}}',
        "openid_enabled": "true",
        "plain_pkce_enabled": "true",
        "implicit_enabled": "true",
        "demo": "true",
        "auth_check_enabled": "true",
        "host": "::1",
        "log_level": "debug",
        "log_format": "json",
        "access_token_seconds": "3599",
        "refresh_idle_seconds": "2591999",
        "refresh_absolute_seconds": "7775999",
        "session_absolute_seconds": "604799",
        "data": "elsewhere",
        "auto_approve": "alice",
        "trusted_issuers": TRUSTED,
        "software_statement_required": "true",
        "local_accounts_enabled": "false",
        "login_providers": SERVICES,
    }.get(name, "7")
    monkeypatch.setenv(f"ACTOR_OAUTH_{name.upper()}", str(value))
    needed, what = {
        "default_resource": (
            "resources",
            '[{"identifier": "http://127.0.0.1:8000/x"}]',
        ),
        "software_statement_required": ("trusted_issuers", TRUSTED),
        "local_accounts_enabled": ("login_providers", SERVICES),
        "auth_check_enabled": ("trusted_proxy_hops", "1"),
    }.get(name, (name, ""))
    if needed != name:
        monkeypatch.setenv(f"ACTOR_OAUTH_{needed.upper()}", what)
    changed = load_settings()
    default = Settings()
    assert getattr(changed, name) != getattr(default, name)
    others = {name, needed}
    assert changed.model_dump(exclude=others) == default.model_dump(exclude=others)


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTOR_OAUTH_ISSUER", "")
    assert load_settings().issuer is None


def test_nested_tables_are_read_from_the_file(tmp_path: Path) -> None:
    file = toml(
        tmp_path,
        """
        log_format = "json"
        private_use_schemes = ["cursor"]

        [scope_descriptions]
        mcp = "Use the tools"

        [[resources]]
        identifier = "https://api.example.com/a"
        scopes = ["read", "write"]
        default_scopes = ["read"]
        name = "Notes"

        [[resources]]
        identifier = "https://api.example.com/b"
        """,
    )
    settings = load_settings(file=file)
    first, second = settings.policy("https://login.example.com").resources
    assert first.identifier == "https://api.example.com/a"
    assert first.scopes == ("read", "write")
    assert first.default_scopes == ("read",)
    assert first.name == "Notes"
    assert second.scopes == second.default_scopes == ("mcp",)
    assert settings.private_use_schemes == ("cursor",)
    assert settings.scope_descriptions == {"mcp": "Use the tools"}
    assert settings.log_format is LogFormat.JSON


def test_an_unknown_key_is_named_with_what_was_probably_meant(tmp_path: Path) -> None:
    file = toml(tmp_path, "refresh_grace_second = 5\n")
    [problem] = problems_of(file)
    assert problem == (
        f"refresh_grace_second ({file}): unknown setting; "
        "did you mean refresh_grace_seconds?"
    )


def test_an_unknown_key_of_a_nested_table_is_named_by_its_path(tmp_path: Path) -> None:
    file = toml(tmp_path, '[[resources]]\nidentifier = "https://a.b/c"\nzzz = 1\n')
    [problem] = problems_of(file)
    assert problem == f"resources.0.zzz ({file}): unknown setting"


@pytest.mark.requirement("A-15")
def test_all_problems_are_told_at_once_each_with_its_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = toml(tmp_path, 'port = "x"\nnonsense = 1')
    monkeypatch.setenv("ACTOR_OAUTH_CODE_SECONDS", "601")
    problems = problems_of(file, workers=0)
    assert len(problems) == 4
    text = "\n".join(problems)
    assert f"port ({file}): input should be a valid integer" in text
    assert "code_seconds (ACTOR_OAUTH_CODE_SECONDS): input should be less than" in text
    assert "workers (--workers): input should be greater than" in text
    assert f"nonsense ({file}): unknown setting" in text


def test_problems_of_single_settings_and_between_settings_stop_the_start() -> None:
    problems = problems_of(refresh_grace_seconds=3600, access_token_seconds=3600)
    assert any("refresh_grace_seconds" in problem for problem in problems)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "none.toml"
    assert problems_of(missing) == (
        f"cannot read {missing}: No such file or directory",
    )


@pytest.mark.parametrize("content", [b"port =", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(content)
    [problem] = problems_of(file)
    assert problem.startswith(f"{file} is not valid TOML: ")


def test_a_variable_that_is_no_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTOR_OAUTH_RESOURCES", "https://a.b/mcp")
    assert problems_of() == (
        "ACTOR_OAUTH_RESOURCES is not valid JSON; tables and lists are written as JSON",
    )


def test_a_variable_that_is_no_setting_is_told_but_stops_nothing() -> None:
    names = [
        "ACTOR_OAUTH_REFRESH_GRACE_SECOND",
        "ACTOR_OAUTH_SERVICE_HOST",
        "ACTOR_OAUTH_PORT",
        "ACTOR_OAUTH_CONFIG",
        "PATH",
    ]
    grace, service = unknown_variables(names)
    assert grace == (
        "ACTOR_OAUTH_REFRESH_GRACE_SECOND is not a setting and was ignored; "
        "did you mean ACTOR_OAUTH_REFRESH_GRACE_SECONDS?"
    )
    assert service.startswith("ACTOR_OAUTH_SERVICE_HOST is not a setting")


def test_constructing_settings_reads_neither_environment_nor_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACTOR_OAUTH_PORT", "1234")
    assert Settings().port == 8000


def test_settings_survive_the_way_to_a_worker_process() -> None:
    settings = load_settings(
        overrides={"resources": [{"identifier": "http://127.0.0.1/x"}], "port": 0}
    ).bound_to(4711)
    assert Settings.model_validate_json(settings.model_dump_json()) == settings
