"""What keeps people from signing in with other services is said at the start."""

import pytest

from actor_oauth.config.checks import find_problems
from actor_oauth.config.settings import Settings

IDP = {
    "name": "idp",
    "kind": "oidc",
    "issuer": "https://idp.example",
    "client_id": "us",
    "client_secret": "secret",
    "everyone": True,
}


def problems(*providers: dict[str, object], **settings: object) -> list[str]:
    """The problems of settings with these services."""
    return find_problems(
        Settings.model_validate({"login_providers": providers, **settings})
    )


def test_services_that_are_set_up_well_are_no_problem() -> None:
    github = {**IDP, "name": "gh", "kind": "github", "issuer": None}
    google = {**IDP, "name": "google", "kind": "google", "issuer": None}
    assert problems(IDP, github, google) == []
    assert problems(IDP, local_accounts_enabled=False) == []
    assert problems({**IDP, "client_secret": None, "method": "none"}) == []


@pytest.mark.requirement("A-15")
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"everyone": False}, "nobody may sign in"),
        ({"issuer": None}, "issuer is missing"),
        ({"issuer": "http://idp.example"}, "issuer must be an absolute https URL"),
        ({"api_url": "file:///x"}, "api_url must be"),
        ({"client_secret": None}, "client_secret is missing"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, object], says: str) -> None:
    (problem,) = problems({**IDP, **change})
    assert problem.startswith("login_providers, idp: ")
    assert says in problem


def test_two_services_of_one_name_are_a_problem() -> None:
    assert problems(IDP, IDP) == ["login_providers: two entries have the name idp"]


def test_somebody_must_be_able_to_sign_in() -> None:
    (problem,) = problems(local_accounts_enabled=False)
    assert problem.startswith("local_accounts_enabled: nobody could sign in")


def test_github_enterprise_has_its_api_at_its_own_address() -> None:
    enterprise = {**IDP, "kind": "github", "issuer": "https://git.corp.example/"}
    settings = Settings.model_validate({"login_providers": (enterprise,)})
    policy = settings.federation_policy(loopback=False)
    assert policy is not None
    assert policy.providers[0].api_url == "https://git.corp.example/api/v3"


KEPT = {**IDP, "keep_tokens_for": "https://api.idp.example"}


def test_tokens_are_kept_where_there_is_a_vault_and_for_one_client() -> None:
    assert problems(KEPT, vault_enabled=True) == []
    (problem,) = problems(KEPT)
    assert "keep_tokens_for needs vault_enabled" in problem
    other = {"issuer": IDP["issuer"], "client_id": "them", "client_secret": "x"}
    (problem,) = problems(KEPT, vault_enabled=True, vault_clients=[other])
    assert "a different one for https://idp.example" in problem
    (problem,) = problems(KEPT, {**KEPT, "name": "again"}, vault_enabled=True)
    assert problem.endswith("two entries have the same keep_tokens_for")


@pytest.mark.parametrize(
    ("change", "scope", "parameters"),
    [
        ({}, "openid email profile offline_access", {}),
        ({"scope": "openid offline_access"}, "openid offline_access", {}),
        (
            {"kind": "google", "parameters": {"prompt": "select_account"}},
            "openid email profile",
            {"access_type": "offline", "prompt": "select_account"},
        ),
        (
            {"kind": "google"},
            "openid email profile",
            {"access_type": "offline", "prompt": "consent"},
        ),
        ({"kind": "github"}, "read:user user:email", {}),
    ],
)
def test_each_kind_of_service_is_asked_for_a_refresh_token_in_its_own_way(
    change: dict[str, object], scope: str, parameters: dict[str, str]
) -> None:
    wanted = {**IDP, "offline_access": True, **change}
    settings = Settings.model_validate({"login_providers": [wanted]})
    (provider,) = settings.login_providers
    assert str(provider.policy().scope) == scope
    assert dict(provider.policy().parameters) == parameters
