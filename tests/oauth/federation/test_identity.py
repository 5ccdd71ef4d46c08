"""What services say of people: whom it admits, and what of it is believed."""

import pytest

from actor_oauth.oauth.federation.identity import (
    Identity,
    decide_admission,
    identity_from_claims,
    since,
)
from actor_oauth.oauth.federation.providers import (
    ENTRA,
    GOOGLE,
    TENANT,
    Admission,
    LoginProvider,
    ProviderKind,
)
from actor_oauth.oauth.federation.wishes import NO_WISHES, Wishes, parameters_for
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.prompts import Prompt
from actor_oauth.oauth.scopes import Scope

TENANT_ID = "9122040d-6c67-4c5b-b112-36a304b66dad"
ELSEWHERE = "https://idp.example"


def read(issuer: str, **claims: Json) -> Identity:
    """Who that is."""
    said: dict[str, Json] = {"sub": "s", **claims}
    identity = identity_from_claims(issuer, said, organisation_claim="groups")
    assert isinstance(identity, Identity)
    return identity


@pytest.mark.requirement("G-15")
@pytest.mark.parametrize(
    ("issuer", "email", "claims", "believed"),
    [
        (ELSEWHERE, "a@corp.example", {"email_verified": True}, True),
        (ELSEWHERE, "a@corp.example", {"email_verified": "true"}, False),
        (ELSEWHERE, "a@corp.example", {"xms_edov": True}, False),
        # An account of Google's that once had this mailbox.
        (GOOGLE, "a@corp.example", {"email_verified": True}, False),
        (
            GOOGLE,
            "a@corp.example",
            {"email_verified": True, "hd": "corp.example"},
            True,
        ),
        (GOOGLE, "a@corp.example", {"hd": "corp.example"}, False),
        (GOOGLE, "A@Gmail.com", {"email_verified": True}, True),
        (GOOGLE, "a@gmail.com.example", {"email_verified": True}, False),
        # Of Entra anybody may set the address in a tenant of their own.
        (f"{ENTRA}{TENANT_ID}/v2.0", "a@corp.example", {"email_verified": True}, False),
        (f"{ENTRA}{TENANT_ID}/v2.0", "a@corp.example", {"xms_edov": True}, True),
        (f"{ENTRA}{TENANT_ID}/v2.0", "a@corp.example", {"xms_edov": "1"}, True),
        (f"{ENTRA}{TENANT_ID}/v2.0", "a@corp.example", {"xms_edov": "0"}, False),
        (f"{ENTRA}{TENANT_ID}/v2.0", "a@corp.example", {}, False),
    ],
)
def test_an_address_counts_where_the_service_can_know_it(
    issuer: str, email: str, claims: dict[str, Json], *, believed: bool
) -> None:
    identity = read(issuer, email=email, **claims)
    assert identity.email == (email.lower() if believed else None)


@pytest.mark.parametrize(
    ("login", "kind", "admitted"),
    [
        ("octocat", ProviderKind.GITHUB, True),
        ("583231", ProviderKind.GITHUB, False),
        ("octocat", ProviderKind.OIDC, False),
    ],
)
def test_a_login_admits_only_where_it_is_ones_own(
    login: str, kind: ProviderKind, *, admitted: bool
) -> None:
    identity = Identity(issuer="i", subject="1", username=login)
    admission = Admission(users=frozenset((login,)))
    assert (decide_admission(identity, admission, kind=kind) is None) == admitted


def test_how_and_when_somebody_signed_in_there_is_read_as_far_as_it_makes_sense() -> (
    None
):
    identity = read(ELSEWHERE, auth_time=7.5, amr=["pwd", "mfa", 7, "no such word"])
    assert (identity.authenticated_at, identity.methods) == (7, ("pwd", "mfa"))
    odd = read(ELSEWHERE, auth_time="yesterday", amr={"x": 1})
    assert (odd.authenticated_at, odd.methods) == (None, ())
    assert len(read(ELSEWHERE, amr=["a"] * 100).methods) == 8


def test_who_proved_it_in_the_course_of_the_sign_in_has_done_so_now() -> None:
    assert since(read(ELSEWHERE, auth_time=940), 1000).authenticated_at is None
    assert since(read(ELSEWHERE, auth_time=939), 1000).authenticated_at == 939
    assert since(read(ELSEWHERE), 1000).authenticated_at is None


def provider(kind: ProviderKind, issuer: str, **parameters: str) -> LoginProvider:
    """A service."""
    return LoginProvider(
        name="p",
        label="P",
        kind=kind,
        issuer=issuer,
        client_id="c",
        scope=Scope(),
        parameters=tuple(parameters.items()),
    )


def test_the_issuer_of_all_tenants_is_each_ones_own() -> None:
    entra = provider(ProviderKind.OIDC, f"{ENTRA}{TENANT}/v2.0")
    assert entra.documents_at == f"{ENTRA}organizations/v2.0"
    assert entra.issuer_of({"tid": TENANT_ID}) == f"{ENTRA}{TENANT_ID}/v2.0"
    for claims in ({}, {"tid": "evil/../x"}, {"tid": TENANT_ID.upper()}):
        assert TENANT in entra.issuer_of(claims)
    plain = provider(ProviderKind.OIDC, ELSEWHERE)
    assert plain.issuer_of({"tid": TENANT_ID}) == ELSEWHERE


LOGIN = Wishes(prompts=frozenset((Prompt.LOGIN,)))


@pytest.mark.parametrize(
    ("kind", "configured", "wishes", "expected"),
    [
        (ProviderKind.OIDC, {}, NO_WISHES, {}),
        (ProviderKind.OIDC, {}, LOGIN, {"prompt": "login"}),
        (
            ProviderKind.OIDC,
            {"prompt": "consent"},
            LOGIN,
            {"prompt": "consent login"},
        ),
        (ProviderKind.OIDC, {"prompt": "none"}, LOGIN, {"prompt": "none"}),
        (ProviderKind.OIDC, {"hd": "x"}, Wishes(max_age=60), {"max_age": "60"}),
        (ProviderKind.GITHUB, {}, LOGIN, {"prompt": "select_account"}),
        (ProviderKind.GITHUB, {}, Wishes(max_age=0), {"prompt": "select_account"}),
        (ProviderKind.GITHUB, {}, Wishes(max_age=60), {}),
    ],
)
def test_what_a_client_wishes_is_asked_of_the_service(
    kind: ProviderKind,
    configured: dict[str, str],
    wishes: Wishes,
    expected: dict[str, str],
) -> None:
    known = provider(kind, ELSEWHERE, **configured)
    given = parameters_for(known, wishes)
    given.pop("hd", None)
    assert given == expected
