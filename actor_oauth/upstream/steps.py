"""The steps of connecting to another service, one by one, without a vault.

For programs that keep tokens in a place of their own. Each step gives a value, or an
`UpstreamFailed` that says why not; docs/vault.md shows them in a row.
"""

from dataclasses import dataclass, field

from actor_oauth.oauth.keyring import Keyring, new_keyring
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.upstream.attempts import (
    Attempt,
    Departure,
    begin_attempt,
    decide_callback,
)
from actor_oauth.oauth.upstream.challenges import (
    AuthChallenge,
    find_challenge,
    parse_www_authenticate,
)
from actor_oauth.oauth.upstream.clients import UpstreamClient
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.resource_metadata import ResourceMetadata
from actor_oauth.oauth.upstream.server_metadata import UpstreamServer
from actor_oauth.oauth.upstream.token_response import UpstreamTokens
from actor_oauth.runtime import Clock, Entropy, SystemClock, SystemEntropy
from actor_oauth.upstream.discovery import (
    Discovered,
    discover,
    discover_resource,
    discover_server,
)
from actor_oauth.upstream.fetch import (
    Fetched,
    Fetcher,
    FetchFailed,
    FetchFault,
    FetchLimits,
)
from actor_oauth.upstream.probe import Probed, Verdict, probe
from actor_oauth.upstream.registering import register
from actor_oauth.upstream.token_calls import TokenCalls

# The steps
__all__ = [
    "CallMeans",
    "Fetcher",
    "TokenCalls",
    "begin_attempt",
    "decide_callback",
    "discover",
    "discover_resource",
    "discover_server",
    "find_challenge",
    "parse_form",
    "parse_www_authenticate",
    "probe",
    "register",
]

# What they give
__all__ += [
    "Attempt",
    "AuthChallenge",
    "Departure",
    "Discovered",
    "FetchFailed",
    "FetchFault",
    "FetchLimits",
    "Fetched",
    "Parameters",
    "Probed",
    "ResourceMetadata",
    "UpstreamClient",
    "UpstreamFailed",
    "UpstreamFault",
    "UpstreamServer",
    "UpstreamTokens",
    "Verdict",
]

_FRESH_BYTES = 64


def _fresh_keyring() -> Keyring:
    draw = SystemEntropy().token_bytes
    return new_keyring(secret=draw(32), address_key=draw(32), kid="steps")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMeans:
    """Keys, time and randomness for `TokenCalls` without a server.

    Attributes:
        keyring: For clients that authenticate by a key; a new one if not given.
        clock: Wall time.
        entropy: Randomness.
    """

    keyring: Keyring = field(default_factory=_fresh_keyring, repr=False)
    clock: Clock = field(default_factory=SystemClock)
    entropy: Entropy = field(default_factory=SystemEntropy)

    def now(self) -> int:
        """The time, in Unix seconds."""
        return self.clock.now()

    def fresh(self) -> bytes:
        """Random bytes for one attempt or call."""
        return self.entropy.token_bytes(_FRESH_BYTES)
