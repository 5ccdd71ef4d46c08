"""What a server must not start with."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.metadata import check_policy
from actor_oauth.oauth.policy import Lifetimes, Policy, ResourcePolicy
from actor_oauth.oauth.refresh_reuse import RefreshRules
from tests.oauth.policies import API, POLICY


@pytest.mark.requirement("A-15")
def test_a_sound_policy_has_no_problems() -> None:
    assert check_policy(POLICY) == []


@pytest.mark.requirement("A-17")
@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"]
)
def test_plain_http_is_for_this_machine(origin: str) -> None:
    policy = Policy(
        issuer=origin, resources=(ResourcePolicy(identifier=origin + "/mcp"),)
    )
    assert check_policy(policy) == []


@pytest.mark.requirement("A-16")
@pytest.mark.parametrize("identifier", ["https://h.example/", "https://h.example/mcp/"])
def test_a_resource_may_end_in_a_slash(identifier: str) -> None:
    resources = (ResourcePolicy(identifier=identifier),)
    assert check_policy(replace(POLICY, resources=resources)) == []


@pytest.mark.requirement("A-01", "A-15", "A-17", "A-19")
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"issuer": ""}, "The issuer '' is no absolute https URL"),
        ({"issuer": "h.example"}, "is no absolute https URL"),
        ({"issuer": "http://h.example"}, "must be https"),
        ({"issuer": "http://localhost.evil.com"}, "must be https"),
        ({"issuer": "https://h.example?x=1"}, "has a query"),
        ({"issuer": "https://h.example/?"}, "has a query"),
        ({"issuer": "https://h.example#f"}, "is no absolute https URL"),
        ({"issuer": "https://u@h.example"}, "is no absolute https URL"),
        ({"issuer": "https://h.example/a/../b"}, "with . or .."),
        ({"resources": ()}, "at least one resource"),
        ({"private_use_schemes": frozenset(("javascript",))}, "'javascript'"),
        ({"private_use_schemes": frozenset(("https",))}, "'https'"),
        ({"private_use_schemes": frozenset(("Cursor",))}, "'Cursor'"),
        ({"private_use_schemes": frozenset(("",))}, "''"),
        ({"lifetimes": Lifetimes(code=601)}, "600 seconds"),
        ({"lifetimes": Lifetimes(code=0)}, "code must be positive"),
        ({"lifetimes": Lifetimes(access_token=-1)}, "access_token must be positive"),
        ({"refresh": RefreshRules(grace=-1)}, "every client: grace must not be"),
        ({"client_refresh": {"app": RefreshRules(contest=-1)}}, "by app: contest"),
    ],
)
def test_a_server_does_not_start_with(changes: dict[str, object], problem: str) -> None:
    broken = replace(POLICY, **changes)  # type: ignore[arg-type]  # by name, from a table
    problems = check_policy(broken)
    assert len(problems) == 1
    assert problem in problems[0]


@pytest.mark.requirement("A-13", "A-15", "A-16")
@pytest.mark.parametrize(
    ("resource", "problem"),
    [
        (ResourcePolicy(identifier="mcp"), "is no absolute https URL"),
        (ResourcePolicy(identifier="http://h.example/mcp"), "must be https"),
        (
            ResourcePolicy(identifier="https://H.example/mcp"),
            "must be written https://h.example/mcp",
        ),
        (
            ResourcePolicy(identifier="https://h.example:443/mcp"),
            "must be written https://h.example/mcp",
        ),
        (ResourcePolicy(identifier="https://x", scopes=("a b",)), "scope name"),
        (ResourcePolicy(identifier="https://x", default_scopes=()), "no default scope"),
        (
            ResourcePolicy(
                identifier="https://x", scopes=("a",), required_scopes=("a",)
            ),
            "A default scope of 'https://x' is not one of its",
        ),
        (
            ResourcePolicy(identifier="https://x", required_scopes=("a",)),
            "A required scope of 'https://x' is not one of its",
        ),
        (
            ResourcePolicy(identifier="https://x", scopes=("mcp", "offline_access")),
            "offline_access",
        ),
        (
            ResourcePolicy(
                identifier="https://x", implied_scopes=(("mcp", ("other",)),)
            ),
            "implied scope",
        ),
    ],
)
def test_a_server_does_not_start_with_the_resource(
    resource: ResourcePolicy, problem: str
) -> None:
    problems = check_policy(replace(POLICY, resources=(resource,)))
    assert len(problems) == 1
    assert problem in problems[0]


@pytest.mark.requirement("A-15")
def test_one_resource_is_configured_once() -> None:
    twice = replace(
        POLICY, resources=(API, replace(API, identifier=API.identifier + "/"))
    )
    assert check_policy(twice) == ["Two resources have the same identifier."]


def test_the_default_resource_is_one_of_them() -> None:
    assert check_policy(replace(POLICY, default_resource=API.identifier)) == []
    [problem] = check_policy(replace(POLICY, default_resource="https://other.example"))
    assert "'https://other.example' is none of the resources" in problem


@given(st.text(), st.text(), st.lists(st.text()).map(tuple))
def test_checking_a_policy_never_raises(
    issuer: str, identifier: str, scopes: tuple[str, ...]
) -> None:
    resource = ResourcePolicy(identifier=identifier, scopes=scopes)
    check_policy(Policy(issuer=issuer, resources=(resource,)))


@pytest.mark.requirement("A-15", "D-38")
def test_tokens_are_exchanged_among_this_servers_resources_only() -> None:
    here, there = "https://h.example/mcp", "https://else.example/"
    policy = Policy(
        issuer="https://h.example",
        resources=(ResourcePolicy(identifier=here),),
        exchange_targets=frozenset(((here, here), (here, there))),
    )
    assert check_policy(policy) == [
        f"The exchange target {there!r} is no resource of this server."
    ]
