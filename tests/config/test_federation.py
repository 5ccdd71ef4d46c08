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
        ({"everyone": False}, "says nobody who may sign in"),
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
