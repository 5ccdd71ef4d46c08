from dataclasses import replace

import pytest

from actor_oauth.config import ResourceSettings, Settings
from actor_oauth.config.checks import find_problems
from actor_oauth.config.hosts import is_loopback_host, is_loopback_url
from actor_oauth.config.reference import settings_reference
from actor_oauth.oauth.policy import Lifetimes
from actor_oauth.oauth.refresh_reuse import RefreshRules, ReusePolicy


@pytest.mark.parametrize(
    ("host", "issuer"),
    [
        ("127.0.0.1", "http://127.0.0.1:4711"),
        ("localhost", "http://localhost:4711"),
        ("::1", "http://[::1]:4711"),
        ("0.0.0.0", "http://127.0.0.1:4711"),
    ],
)
def test_the_issuer_of_a_loopback_server_has_the_port_that_was_bound(
    host: str, issuer: str
) -> None:
    settings = Settings(host=host, port=0).bound_to(4711)
    assert settings.issuer == issuer
    assert settings.port == 4711


@pytest.mark.requirement("A-01")
def test_a_configured_issuer_is_kept_byte_for_byte() -> None:
    settings = Settings(issuer="https://login.example.com/t1").bound_to(4711)
    assert settings.issuer == "https://login.example.com/t1"
    assert settings.policy(settings.issuer).issuer == settings.issuer


def test_without_resources_the_issuer_has_one_at_mcp() -> None:
    for issuer in ("https://a.example", "https://a.example/"):
        [resource] = Settings().policy(issuer).resources
        assert resource.identifier == "https://a.example/mcp"
        assert resource.scopes == ("mcp",)


def test_default_settings_and_default_policy_agree() -> None:
    policy = Settings().policy("https://a.example")
    assert policy.lifetimes == Lifetimes()
    assert policy.refresh == RefreshRules()


@pytest.mark.requirement("D-22", "D-28")
def test_a_client_has_the_rules_of_the_server_but_for_what_is_its_own() -> None:
    settings = Settings.model_validate(
        {
            "refresh_grace_seconds": 30,
            "refresh_reuse": "reject",
            "client_refresh": {
                "app": {
                    "rotation": "unless_bound",
                    "grace_seconds": 5,
                    "reuse": "revoke",
                }
            },
        }
    )
    policy = settings.policy("https://a.example")
    rules = policy.refresh_rules("other")
    assert rules == RefreshRules(grace=30, reuse=ReusePolicy.REJECT)
    assert policy.refresh_rules("app") == replace(
        rules, rotation="unless_bound", grace=5, reuse=ReusePolicy.REVOKE
    )


def test_a_client_cannot_have_a_window_as_long_as_an_access_token_lives() -> None:
    own = {"client_refresh": {"app": {"grace_seconds": 3600}}}
    problems = find_problems(Settings.model_validate(own))
    assert [p for p in problems if "client_refresh.app.grace_seconds: 3600" in p]


def test_each_view_of_the_settings_carries_what_was_set() -> None:
    settings = Settings(
        refresh_grace_seconds=0,
        private_use_schemes=("cursor",),
        registration_enabled=False,
        scope_descriptions={"mcp": "Use the tools"},
        mailbox_size=7,
        shutdown_seconds=3,
        auto_approve="alice",
        trusted_proxy_hops=2,
        service_name="Acme",
    )
    policy = settings.policy("http://127.0.0.1:8000")
    assert policy.refresh.grace == 0
    assert policy.private_use_schemes == frozenset({"cursor"})
    assert not policy.registration_enabled
    assert policy.scope_descriptions == (("mcp", "Use the tools"),)
    assert settings.runtime_limits().mailbox_size == 7
    assert settings.runtime_limits().drain_seconds == 3
    assert settings.http_options().auto_approve_user == "alice"
    assert settings.http_options().trusted_proxy_hops == 2
    assert settings.http_options().service_name == "Acme"


@pytest.mark.requirement("E-09")
def test_guessing_is_no_easier_where_there_are_several_workers() -> None:
    one, four = Settings(), Settings(workers=4)
    for name in ("login_rate", "device_code_rate", "client_failure_rate"):
        alone, shared = (
            getattr(settings.http_options(), name) for settings in (one, four)
        )
        assert shared.interval == 4 * alone.interval


def test_the_demo_is_on_by_default_on_loopback_without_resources_only() -> None:
    resources = (ResourceSettings(identifier="https://a.example/mcp"),)
    assert Settings().demo_enabled
    assert not Settings(issuer="https://a.example").demo_enabled
    assert not Settings(resources=resources).demo_enabled
    assert not Settings(demo=False).demo_enabled
    assert Settings(demo=True, issuer="https://a.example").demo_enabled


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(host="0.0.0.0"), "issuer: must be set"),
        (Settings(access_token_seconds=120), "refresh_grace_seconds: 120 must be less"),
        (
            Settings(refresh_absolute_seconds=86400),
            "refresh_idle_seconds: 2592000 must not be more",
        ),
        (
            Settings(refresh_idle_seconds=60, refresh_grace_seconds=1),
            "access_token_seconds: 3600 must not be more",
        ),
        (
            Settings(session_absolute_seconds=60),
            "session_idle_seconds: 28800 must not be more",
        ),
        (Settings(auth_check_enabled=True), "trusted_proxy_hops must be at least 1"),
        (Settings(issuer="http://a.example"), "must be https"),
        (Settings(issuer="https://a.example/?q"), "has a query"),
        (Settings(private_use_schemes=("javascript",)), "'javascript'"),
        (
            Settings(
                resources=(
                    ResourceSettings(
                        identifier="https://a.example", default_scopes=("x",)
                    ),
                )
            ),
            "A default scope of 'https://a.example' is not one of its scopes",
        ),
        (
            Settings(
                resources=(ResourceSettings(identifier="https://a.example/x"),) * 2
            ),
            "Two resources have the same identifier",
        ),
        (
            Settings(
                demo=True, resources=(ResourceSettings(identifier="https://a.b/mcp"),)
            ),
            "demo: no resource covers http://127.0.0.1:8000/mcp",
        ),
    ],
)
@pytest.mark.requirement("A-15", "A-17")
def test_settings_that_do_not_fit_together_are_told_with_what_to_do(
    settings: Settings, words: str
) -> None:
    problems = find_problems(settings)
    assert [problem for problem in problems if words in problem], problems


@pytest.mark.parametrize(
    ("issuer", "host"),
    [
        ("https://login.example.com", "127.0.0.1"),
        ("http://127.0.0.1.example.com", "127.0.0.1"),
        ("http://localhost@example.com", "127.0.0.1"),
        ("http://[bad", "127.0.0.1"),
        ("http://127.0.0.1:8000", "0.0.0.0"),
        (None, "192.0.2.1"),
    ],
)
def test_auto_approve_is_refused_unless_issuer_and_host_are_loopback(
    issuer: str | None, host: str
) -> None:
    settings = Settings(issuer=issuer, host=host, auto_approve="alice")
    assert any("auto_approve" in problem for problem in find_problems(settings))


def test_auto_approve_is_fine_on_loopback() -> None:
    assert find_problems(Settings(auto_approve="alice")) == []


@pytest.mark.requirement("B-14")
def test_documents_on_this_machine_are_for_a_server_of_this_machine_only() -> None:
    assert find_problems(Settings(loopback_documents=True)) == []
    public = Settings(loopback_documents=True, issuer="https://as.example")
    (problem,) = find_problems(public)
    assert "loopback_documents" in problem
    assert Settings().policy("http://127.0.0.1:8000").metadata_documents_enabled


@pytest.mark.requirement("A-17")
@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("LOCALHOST", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("127.0.0.1.nip.io", False),
        ("localhost.example.com", False),
        ("", False),
    ],
)
def test_loopback_is_decided_without_a_resolver(host: str, loopback: bool) -> None:
    assert is_loopback_host(host) is loopback


def test_a_url_without_host_is_not_loopback() -> None:
    assert not is_loopback_url("mailto:alice")


def test_the_reference_lists_every_setting_with_its_default() -> None:
    reference = settings_reference()
    for name in Settings.model_fields:
        assert f"| `{name}` | `ACTOR_OAUTH_{name.upper()}` |" in reference
    assert (
        "| `refresh_grace_seconds` | `ACTOR_OAUTH_REFRESH_GRACE_SECONDS` | `120` |"
        in reference
    )
    assert "| `.actor-oauth` |" in reference
    assert "| `console` |" in reference


def test_only_who_serves_must_know_where_the_example_is() -> None:
    """`users add` was refused, since it does not know `serve --port`."""
    elsewhere = ResourceSettings(identifier="http://127.0.0.1:9000/mcp")
    settings = Settings(demo=True, resources=(elsewhere,))
    assert find_problems(settings, serving=False) == []
    assert find_problems(settings.bound_to(9000)) == []
    (problem,) = find_problems(settings)
    assert problem.startswith("demo: ")
    named = settings.model_copy(update={"issuer": "https://a.example"})
    assert len(find_problems(named, serving=False)) == 1
