"""Which proofs hold for a request (RFC 9449 §4.3)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.dpop import (
    MAX_JTI_LENGTH,
    NONCE_INTERVAL,
    WINDOW,
    Proof,
    ProofTarget,
    decide_proof,
    is_thumbprint,
    nonces,
    normal_url,
    same_key,
)
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.reasons import Reason, Refused
from tests.support.dpop import a_proof_key
from tests.support.grants import KEYRING, START
from tests.support.signing import signer

URL = "https://as.example/token"
TARGET = ProofTarget(method="POST", url=URL)
KEY = a_proof_key()


def decided(
    text: str, target: ProofTarget = TARGET, *, now: int = START
) -> Proof | Refused:
    return decide_proof([text], target, now=now)


@pytest.mark.requirement("F-01", "F-02", "F-03")
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "Ed25519", "RS256", "PS256"])
def test_a_good_proof_names_its_key(algorithm: str) -> None:
    key = a_proof_key(algorithm=algorithm)

    proof = decided(key.proof("POST", URL, now=START))

    assert isinstance(proof, Proof)
    assert proof.jkt == key.jkt
    assert is_thumbprint(proof.jkt)
    assert proof.issued_at == START


@pytest.mark.requirement("F-01")
def test_there_is_exactly_one_proof() -> None:
    one, two = (KEY.proof("POST", URL, now=START) for _ in range(2))

    assert decide_proof([], TARGET, now=START) == Refused(Reason.DPOP_PROOF_MISSING)
    for lines in ([one, two], [f"{one},{two}"], [f"{one}, {one}"]):
        assert decide_proof(lines, TARGET, now=START) == Refused(
            Reason.DPOP_PROOF_REPEATED
        )


@pytest.mark.requirement("F-01", "F-02")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.DPOP_PROOF_MALFORMED),
        ("a.b.c", Reason.DPOP_PROOF_MALFORMED),
        ("x" * 5000, Reason.DPOP_PROOF_MALFORMED),
        (
            KEY.proof("POST", URL, now=START, header={"typ": "JWT"}),
            Reason.DPOP_PROOF_MALFORMED,
        ),
        (
            KEY.proof("POST", URL, now=START, header={"typ": None}),
            Reason.DPOP_PROOF_MALFORMED,
        ),
        (
            KEY.proof("POST", URL, now=START, jti=None),
            Reason.DPOP_PROOF_MALFORMED,
        ),
        (
            KEY.proof("POST", URL, now=START, jti="x" * (MAX_JTI_LENGTH + 1)),
            Reason.DPOP_PROOF_MALFORMED,
        ),
        (
            KEY.proof("POST", URL, now=START, header={"jwk": None}),
            Reason.DPOP_PROOF_SIGNATURE,
        ),
        (
            KEY.proof("POST", URL, now=START, header={"jwk": "text"}),
            Reason.DPOP_PROOF_SIGNATURE,
        ),
        (
            KEY.proof(
                "POST", URL, now=START, header={"jwk": a_proof_key(1).signer.public()}
            ),
            Reason.DPOP_PROOF_SIGNATURE,
        ),
        (
            KEY.proof(
                "POST",
                URL,
                now=START,
                header={"jwk": KEY.signer.key.as_dict(private=True)},  # type: ignore[dict-item]  # texts only
            ),
            Reason.DPOP_PROOF_SIGNATURE,
        ),
        (
            KEY.proof("POST", URL, now=START, header={"alg": "none"}),
            Reason.DPOP_PROOF_SIGNATURE,
        ),
        (
            KEY.proof("POST", URL, now=START, header={"alg": "RS256"}),
            Reason.DPOP_PROOF_SIGNATURE,
        ),
    ],
)
def test_what_is_no_signed_proof_is_refused(text: str, reason: Reason) -> None:
    assert decided(text) == Refused(reason)


@pytest.mark.requirement("F-02")
def test_a_symmetric_key_proves_nothing() -> None:
    octets = signer("HS256", kid=None)
    text = octets.sign(
        {"jti": "x", "htm": "POST", "htu": URL, "iat": START},
        typ="dpop+jwt",
        jwk=octets.key.as_dict(private=True),  # type: ignore[arg-type]  # texts only
    )

    assert decided(text) == Refused(Reason.DPOP_PROOF_SIGNATURE)


@pytest.mark.requirement("F-03")
@pytest.mark.parametrize(
    "claims",
    [
        {"htm": "GET"},
        {"htm": "post"},
        {"htm": None},
        {"htu": None},
        {"htu": "https://as.example/revoke"},
        {"htu": "https://evil.example/token"},
        {"htu": "http://as.example/token"},
        {"htu": "https://as.example:8443/token"},
        {"htu": "https://as.example/token?x=1"},
        {"htu": "https://as.example/token#x"},
        {"htu": "https://as.example/token/"},
        {"htu": 7},
    ],
)
def test_a_proof_for_another_request_is_refused(claims: dict[str, Json]) -> None:
    text = KEY.proof("POST", URL, now=START, header=None, access_token=None, **claims)

    assert decided(text) == Refused(Reason.DPOP_PROOF_FOR_ANOTHER)


@pytest.mark.requirement("F-03")
@pytest.mark.parametrize(
    "url",
    [
        "HTTPS://AS.EXAMPLE/token",
        "https://as.example:443/token",
        "https://as.example/%74oken",
        "https://as.example/x/../token",
        "https://as.example/./token",
    ],
)
def test_the_same_url_may_be_spelled_in_other_ways(url: str) -> None:
    assert isinstance(decided(KEY.proof("POST", url, now=START)), Proof)


@given(st.text(max_size=60))
def test_comparing_urls_never_raises_and_is_stable(path: str) -> None:
    normal = normal_url("https://as.example/" + path)

    assert normal is None or normal_url(normal) == normal


@pytest.mark.requirement("F-04")
@pytest.mark.parametrize("shift", [-WINDOW, 0, WINDOW])
def test_a_proof_holds_for_a_while_around_its_time(shift: int) -> None:
    assert isinstance(decided(KEY.proof("POST", URL, now=START + shift)), Proof)


@pytest.mark.requirement("F-04")
@pytest.mark.parametrize("iat", [START - WINDOW - 1, START + WINDOW + 1, None, "now"])
def test_a_proof_of_another_time_is_refused(iat: Json) -> None:
    text = KEY.proof("POST", URL, now=START, header=None, access_token=None, iat=iat)

    assert decided(text) == Refused(Reason.DPOP_PROOF_NOT_NOW)


@pytest.mark.requirement("F-05")
def test_at_a_resource_a_proof_is_about_the_access_token() -> None:
    target = replace(TARGET, access_token="token")
    good = KEY.proof("POST", URL, now=START, access_token="token")
    other = KEY.proof("POST", URL, now=START, access_token="other")
    without = KEY.proof("POST", URL, now=START)

    assert isinstance(decided(good, target), Proof)
    for text in (other, without):
        assert decided(text, target) == Refused(Reason.DPOP_PROOF_FOR_ANOTHER)


@pytest.mark.requirement("F-13")
def test_once_a_nonce_is_wanted_no_other_proof_holds() -> None:
    now, later = START, START + NONCE_INTERVAL
    given_out = nonces(KEYRING, "authorization server", now=now)
    target = replace(TARGET, nonces=nonces(KEYRING, "authorization server", now=later))
    foreign = nonces(KEYRING, "resource server", now=later)[0]

    good = replace_nonce(given_out[0])

    assert isinstance(decided(good, target), Proof)
    for nonce in (None, "", foreign, given_out[1]):
        assert decided(replace_nonce(nonce), target) == Refused(
            Reason.DPOP_NONCE_WANTED
        )


def replace_nonce(nonce: str | None) -> str:
    return KEY.proof("POST", URL, now=START, nonce=nonce)


@pytest.mark.requirement("F-13")
def test_nonces_are_kept_apart_by_role_and_cannot_be_foreseen() -> None:
    found = {
        nonce
        for role in ("authorization server", "resource server")
        for nonce in nonces(KEYRING, role, now=START)
    }

    assert len(found) == 4
    assert (
        nonces(KEYRING, "resource server", now=START)[0]
        == (nonces(KEYRING, "resource server", now=START + NONCE_INTERVAL)[1])
    )


@pytest.mark.requirement("F-06")
def test_two_proofs_are_one_if_key_url_and_jti_are_the_same() -> None:
    def key_of(text: str, target: ProofTarget = TARGET, *, now: int = START) -> bytes:
        proof = decided(text, target, now=now)
        assert isinstance(proof, Proof)
        return proof.key

    again = KEY.proof("POST", URL, now=START, jti="x")
    spelled = KEY.proof("POST", "https://AS.example/token", now=START + 1, jti="x")
    other_jti = KEY.proof("POST", URL, now=START, jti="y")
    other_key = a_proof_key(1).proof("POST", URL, now=START, jti="x")
    par = "https://as.example/par"
    other_url = KEY.proof("POST", par, now=START, jti="x")

    assert key_of(again) == key_of(spelled)
    others = {key_of(other_jti), key_of(other_key)}
    others.add(key_of(other_url, replace(TARGET, url=par)))
    assert len(others | {key_of(again)}) == 4


@pytest.mark.requirement("F-05", "F-09")
def test_what_is_bound_needs_a_proof_by_its_key() -> None:
    proof = decided(KEY.proof("POST", URL, now=START))
    assert isinstance(proof, Proof)

    assert same_key(None, None)
    assert same_key(None, proof)
    assert same_key(KEY.jkt, proof)
    assert not same_key(KEY.jkt, None)
    assert not same_key(a_proof_key(1).jkt, proof)


@pytest.mark.requirement("F-10")
@pytest.mark.parametrize("text", ["", "a" * 42, "a" * 44, "é" * 43, "=" * 43])
def test_a_thumbprint_has_a_form(text: str) -> None:
    assert not is_thumbprint(text)
