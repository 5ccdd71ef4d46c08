from importlib.metadata import version
from pathlib import Path

import pytest

from actor_oauth.cli.greeting import greet
from actor_oauth.config import LogFormat, ResourceSettings, Settings

SETTINGS = Settings(data=Path("/srv/auth")).bound_to(8123)


def said(
    capsys: pytest.CaptureFixture[str], settings: Settings, *, has_users: bool = False
) -> list[str]:
    greet(settings, config=None, has_users=has_users)
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


def test_a_first_start_tells_where_how_to_connect_and_how_to_add_a_user(
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = f"actor-oauth {version('actor-oauth')}"
    where, connect, sign_in, ready = said(capsys, SETTINGS)
    assert where == f"{name}: http://127.0.0.1:8123, data in /srv/auth"
    assert connect.endswith(
        "claude mcp add --transport http demo http://127.0.0.1:8123/mcp"
    )
    assert "there is no user yet" in sign_in
    assert sign_in.endswith(": actor-oauth users add NAME --data /srv/auth")
    assert ready == "listening on http://127.0.0.1:8123"


def test_the_default_directory_and_a_config_file_shape_what_is_suggested(
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = Settings().bound_to(1)
    greet(settings, config=Path("my conf.toml"), has_users=False)
    assert "actor-oauth users add NAME --config 'my conf.toml'\n" in (
        capsys.readouterr().err
    )


def test_who_tries_it_out_is_led_to_the_example_server_and_no_other_resource(
    capsys: pytest.CaptureFixture[str],
) -> None:
    issuer = "http://127.0.0.1:8123/tenant"
    names = (f"{issuer}/api", f"{issuer}/mcp")
    resources = tuple(ResourceSettings(identifier=name) for name in names)
    changes = {"issuer": issuer, "resources": resources, "demo": True}
    lines = said(capsys, SETTINGS.model_copy(update=changes))
    assert lines[1].endswith(f" demo {issuer}/mcp")


def test_a_server_for_others_names_what_it_protects(
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = SETTINGS.model_copy(
        update={
            "issuer": "https://login.example.com/",
            "host": "::1",
            "resources": (ResourceSettings(identifier="https://api.example.com"),),
        }
    )
    lines = said(capsys, settings, has_users=True)
    assert lines[1] == "  Protects: https://api.example.com"
    assert lines[2] == "  Sign in:  https://login.example.com/account"
    assert lines[3] == "listening on http://[::1]:8123"


def test_auto_approve_is_named_as_the_way_in(
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = SETTINGS.model_copy(update={"auto_approve": "alice"})
    assert "everyone is alice (auto-approve)" in said(capsys, settings)[2]


def test_a_log_of_json_lines_gets_the_ready_line_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = SETTINGS.model_copy(update={"log_format": LogFormat.JSON})
    assert said(capsys, settings) == ["listening on http://127.0.0.1:8123"]
