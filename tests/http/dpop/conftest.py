"""A key, and a provider whose proofs need a nonce."""

import pytest

from tests.support.dpop import ProofKey, a_proof_key


@pytest.fixture
def key() -> ProofKey:
    return a_proof_key()
