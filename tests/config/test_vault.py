"""What keeps the vault from being served is said at the start, by setting."""

import pytest

from actor_oauth.config.checks import find_problems
from actor_oauth.config.settings import Settings

CLIENT = {
    "issuer": "https://as.example",
    "client_id": "us",
    "client_secret": "secret",
}
RESOURCE = {"url": "https://api.example", "issuer": "https://as.example"}


def problems(**settings: object) -> list[str]:
    """The problems of settings with a vault."""
    return find_problems(Settings.model_validate({"vault_enabled": True, **settings}))


def test_a_vault_that_is_set_up_well_is_no_problem() -> None:
    assert problems() == []
    assert problems(vault_clients=[CLIENT], vault_resources=[RESOURCE]) == []


@pytest.mark.requirement("A-15", "I-12")
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"issuer": "http://as.example"}, "the issuer must be an https URL"),
        ({"client_secret": None}, "client_secret_basic needs a client_secret"),
        ({"method": "none"}, "the method none has no client_secret"),
    ],
)
def test_credentials_that_cannot_work_are_said(
    change: dict[str, object], says: str
) -> None:
    (problem,) = problems(vault_clients=[{**CLIENT, **change}])
    assert problem.startswith("vault_clients: ")
    assert says in problem


def test_credentials_are_one_issuers() -> None:
    (problem,) = problems(vault_clients=[CLIENT, CLIENT])
    assert problem == "vault_clients: two entries have the same issuer"


@pytest.mark.requirement("A-15", "I-09")
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"url": "ftp://api.example"}, "must be an https URL"),
        ({"issuer": "as.example"}, "the issuer must be an https URL"),
        ({"authorization_endpoint": "https://as.example/a"}, "belong together"),
        (
            {
                "authorization_endpoint": "https://as.example/a",
                "token_endpoint": "http://as.example/t",
            },
            "token_endpoint must be an https URL",
        ),
        ({"revocation_endpoint": "javascript:x"}, "revocation_endpoint must be"),
        ({"scope": ['a"b']}, "vault_resources: https://api.example: "),
    ],
)
def test_resources_that_cannot_work_are_said(
    change: dict[str, object], says: str
) -> None:
    (problem,) = problems(vault_resources=[{**RESOURCE, **change}])
    assert problem.startswith("vault_resources: ")
    assert says in problem


def test_the_api_needs_a_resource_that_covers_it() -> None:
    (problem,) = problems(vault_api=True)
    assert "no resource with the scope vault covers" in problem
    covering = {"identifier": "http://127.0.0.1:8000/oauth/api", "scopes": ["vault"]}
    assert problems(vault_api=True, resources=[covering]) == []


@pytest.mark.requirement("I-09")
def test_services_on_this_machine_are_for_development_only() -> None:
    (problem,) = problems(issuer="https://as.example", loopback_upstreams=True)
    assert problem.startswith("loopback_upstreams: ")
    assert problems(issuer="http://127.0.0.1:8000", loopback_upstreams=True) == []
