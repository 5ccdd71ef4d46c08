"""Used proofs at a resource server that stands alone."""

import pytest
import trio

from actor_oauth.oauth.dpop import WINDOW, Proof
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.resource import BearerGuard, proof_memory
from actor_oauth.resource.proof_memory import ProofMemory
from tests.resource.asgi_calls import NOW, RESOURCE, call, http_scope, protection
from tests.resource.test_guard import tell_user
from tests.resource.test_jwt_tokens import Issuer
from tests.support.clocks import SettableClock
from tests.support.dpop import a_proof_key


def a_proof(number: int, issued_at: int = NOW) -> Proof:
    return Proof(jkt="k" * 43, key=number.to_bytes(32), issued_at=issued_at)


@pytest.mark.requirement("F-06", "M-13")
async def test_of_many_copies_one_is_accepted() -> None:
    memory = ProofMemory(SettableClock(NOW))
    answers: list[Refused | None] = []

    async def accept() -> None:
        answers.append(await memory.accept("token", a_proof(1)))

    async with trio.open_nursery() as nursery:
        for _ in range(32):
            nursery.start_soon(accept)

    assert answers.count(None) == 1
    assert set(answers) == {None, Refused(Reason.DPOP_PROOF_REPLAYED)}
    assert await memory.accept("token", a_proof(2)) is None


@pytest.mark.requirement("K-14")
async def test_a_full_memory_refuses_until_time_has_passed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proof_memory, "MAX_PROOFS", 2)
    clock = SettableClock(NOW)
    memory = ProofMemory(clock)

    answers = [await memory.accept("token", a_proof(n)) for n in range(3)]
    clock.time += 2 * WINDOW

    assert answers == [None, None, Refused(Reason.DPOP_PROOFS_TOO_MANY)]
    assert await memory.accept("token", a_proof(9, clock.time)) is None


@pytest.mark.requirement("F-05", "G-12")
async def test_a_bound_jwt_is_verified_far_from_its_issuer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    issuer, key = Issuer(), a_proof_key()
    guard = BearerGuard(
        tell_user,
        protection=protection(),
        validate_token=issuer.tokens().validate_token,
        clock=issuer.clock,
    )
    token = issuer.token(None, None, cnf={"jkt": key.jkt})

    def scope(*proofs: str, scheme: str = "DPoP") -> dict[str, object]:
        lines = [(b"authorization", f"{scheme} {token}".encode())]
        lines += [(b"dpop", proof.encode()) for proof in proofs]
        return {**http_scope(headers=lines)}

    proof = key.proof("GET", RESOURCE, now=NOW, access_token=token)

    assert (await call(guard, scope(proof))).status == 200
    assert (await call(guard, scope(proof))).status == 401
    assert (await call(guard, scope(scheme="Bearer"))).status == 401
    monkeypatch.setattr(proof_memory, "MAX_PROOFS", 0)
    another = key.proof("GET", RESOURCE, now=NOW, access_token=token)
    assert (await call(guard, scope(another))).status == 503
