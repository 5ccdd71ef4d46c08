"""Why an exchange with another server failed, for users and for the log.

Rule 1: a failure is *passing* if it says nothing about what was asked: the network, a
busy server. Nothing is thrown away because of one (I-10, I-31).
Rule 2: the texts are constants. What the other server said is in `detail`, which is for
the operator's log and never for a page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class UpstreamFault(StrEnum):
    """What went wrong, as a stable name for the log."""

    # What was asked for
    URL_REFUSED = "url_refused"
    NOT_CONNECTED = "not_connected"
    TOO_MANY = "too_many"

    # Finding out
    UNREACHABLE = "unreachable"
    ANSWER_LOST = "answer_lost"
    BUSY = "busy"
    ADDRESS_REFUSED = "address_refused"
    INCONCLUSIVE = "inconclusive"
    METADATA_MALFORMED = "metadata_malformed"
    RESOURCE_MISMATCH = "resource_mismatch"
    NO_AUTHORIZATION_SERVER = "no_authorization_server"
    ISSUER_MISMATCH = "issuer_mismatch"
    ENDPOINT_REFUSED = "endpoint_refused"
    PKCE_UNSUPPORTED = "pkce_unsupported"

    # Registering
    REGISTRATION_UNAVAILABLE = "registration_unavailable"
    REGISTRATION_REFUSED = "registration_refused"
    CLIENT_REJECTED = "client_rejected"

    # Coming back
    ATTEMPT_UNKNOWN = "attempt_unknown"
    CALLBACK_MALFORMED = "callback_malformed"
    CALLBACK_ISSUER_WRONG = "callback_issuer_wrong"
    DENIED = "denied"
    AUTHORIZATION_FAILED = "authorization_failed"

    # Tokens
    TOKEN_RESPONSE_MALFORMED = "token_response_malformed"  # noqa: S105 - a word
    TOKEN_TYPE_UNSUPPORTED = "token_type_unsupported"  # noqa: S105 - a word
    GRANT_REJECTED = "grant_rejected"
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - a word
    REAUTHORIZATION_NEEDED = "reauthorization_needed"
    SCOPE_REFUSED = "scope_refused"

    @property
    def text(self) -> str:
        """For the person who wanted it."""
        return _TEXTS[self]

    @property
    def is_passing(self) -> bool:
        """Whether the same may work later without anybody changing anything."""
        return self in _PASSING


_F = UpstreamFault

_PASSING: Final = frozenset((_F.UNREACHABLE, _F.ANSWER_LOST, _F.BUSY))

_TEXTS: Final[Mapping[UpstreamFault, str]] = {
    _F.URL_REFUSED: "This is not an address that can be connected.",
    _F.NOT_CONNECTED: "There is no connection for this address.",
    _F.TOO_MANY: "There are too many connections, or attempts, already.",
    _F.UNREACHABLE: "The other service cannot be reached right now.",
    _F.ANSWER_LOST: "The other service cannot be reached right now.",
    _F.BUSY: "This is being done elsewhere right now.",
    _F.ADDRESS_REFUSED: "The other service is at an address that must not be reached from here.",
    _F.INCONCLUSIVE: "The other service does not say whether it wants a sign-in.",
    _F.METADATA_MALFORMED: "What the other service says about its sign-in cannot be understood.",
    _F.RESOURCE_MISMATCH: "The other service describes a service that it is not.",
    _F.NO_AUTHORIZATION_SERVER: "The other service does not say where to sign in.",
    _F.ISSUER_MISMATCH: "The sign-in service describes a service that it is not.",
    _F.ENDPOINT_REFUSED: "The sign-in service names an address that must not be used.",
    _F.PKCE_UNSUPPORTED: "The sign-in service does not protect sign-ins well enough (no PKCE).",
    _F.REGISTRATION_UNAVAILABLE: "The sign-in service does not know this server, and lets nobody register.",
    _F.REGISTRATION_REFUSED: "The sign-in service did not let this server register.",
    _F.CLIENT_REJECTED: "The sign-in service does not accept this server.",
    _F.ATTEMPT_UNKNOWN: "This sign-in was not begun here, took too long, or is over.",
    _F.CALLBACK_MALFORMED: "The sign-in service sent an answer that cannot be understood.",
    _F.CALLBACK_ISSUER_WRONG: "The answer is not from the sign-in service that was asked.",
    _F.DENIED: "The access was not granted.",
    _F.AUTHORIZATION_FAILED: "The sign-in service could not grant the access.",
    _F.TOKEN_RESPONSE_MALFORMED: "The sign-in service sent an answer that cannot be used.",
    _F.TOKEN_TYPE_UNSUPPORTED: "The sign-in service gave a kind of token that is not known here.",
    _F.GRANT_REJECTED: "The access has ended. Please connect again.",
    _F.TOKEN_REFUSED: "The sign-in service did not give a token.",
    _F.REAUTHORIZATION_NEEDED: "The access has ended. Please connect again.",
    _F.SCOPE_REFUSED: "The other service does not grant what this would need.",
}


_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERRORS: Final = 500


def is_unavailable(status: int) -> bool:
    """Tell whether a server says that it cannot answer now: 429, or a 5xx (I-31)."""
    return status == _TOO_MANY_REQUESTS or status >= _SERVER_ERRORS


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamFailed:
    """A failure at another server.

    Attributes:
        fault: What.
        detail: For the operator's log only: it may repeat what a stranger said.
        retry_after: Seconds after which the other server wants to be asked again.
    """

    fault: UpstreamFault
    detail: str = ""
    retry_after: int | None = None

    @property
    def is_passing(self) -> bool:
        """Whether the same may work later without anybody changing anything."""
        return self.fault.is_passing
