"""The `WWW-Authenticate` challenges of protected resources.

Sources: RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1.

Rule: every value is checked when the challenge is created, so that nothing chosen by an
application or a client can end a quoted string or a header line.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from actor_oauth.oauth.jwks import SIGNING_ALGORITHMS
from actor_oauth.oauth.reasons import Reason

# OAuth 2.1 §5.3.1: %x20-21 / %x23-5B / %x5D-7E, that is, no quote, backslash or control.
_QUOTABLE: Final = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]*")


class ChallengeError(StrEnum):
    """The error codes of RFC 6750 §3.1, with their HTTP status."""

    INVALID_REQUEST = "invalid_request"
    INVALID_TOKEN = "invalid_token"  # noqa: S105  an error code
    INSUFFICIENT_SCOPE = "insufficient_scope"
    INVALID_DPOP_PROOF = "invalid_dpop_proof"
    USE_DPOP_NONCE = "use_dpop_nonce"

    @property
    def status(self) -> int:
        """The status of an answer with this error."""
        return _STATUS[self]


_ALGS: Final = " ".join(SIGNING_ALGORITHMS)
_STATUS: Final = {
    ChallengeError.INVALID_REQUEST: 400,
    ChallengeError.INVALID_TOKEN: 401,
    ChallengeError.INSUFFICIENT_SCOPE: 403,
    ChallengeError.INVALID_DPOP_PROOF: 401,
    ChallengeError.USE_DPOP_NONCE: 401,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What the 401 or 403 response tells a client to do next.

    Attributes:
        metadata_url: Absolute URL of the protected resource metadata (G-07); None for
            an endpoint of the authorization server itself.
        scope: The scopes to ask for: the baseline without a token, all scopes of the
            operation with `insufficient_scope` (G-08).
        error: None if no usable credentials were sent: a challenge with an error would
            tell a client that its token is bad when it has none (G-03).
        description: For the client's developer; only with an error.
        bound: Whether the client used the scheme `DPoP`, which the error is then about.
        nonce: For `DPoP-Nonce`, with `use_dpop_nonce`.
        reason: Why, for the log. Never sent.

    Raises:
        ValueError: A value cannot be put in a quoted string (G-10).
    """

    metadata_url: str | None
    scope: tuple[str, ...] = ()
    error: ChallengeError | None = None
    description: str | None = None
    bound: bool = False
    nonce: str | None = None
    reason: Reason | None = None

    def __post_init__(self) -> None:
        for _, value in self._parameters(told=True):
            if _QUOTABLE.fullmatch(value) is None:
                msg = f"cannot stand in a challenge: {value!r}"
                raise ValueError(msg)

    @property
    def status(self) -> int:
        """The HTTP status that the challenge belongs to."""
        return 401 if self.error is None else self.error.status

    def render(self) -> str:
        """Render the challenge of the scheme that was tried."""
        return self._render("DPoP" if self.bound else "Bearer", told=True)

    def lines(self) -> tuple[str, ...]:
        """Render the values of the headers: one for each scheme that may be tried next.

        The error is reported for the scheme that was tried (G-10, F-12).
        """
        if self.status != 401:
            return (self.render(),)
        return (
            self._render("Bearer", told=not self.bound),
            self._render("DPoP", told=self.bound),
        )

    def _render(self, scheme: str, *, told: bool) -> str:
        algorithms = [("algs", _ALGS)] if scheme == "DPoP" else []
        pairs = [*algorithms, *self._parameters(told=told)]
        return f"{scheme} " + ", ".join(f'{name}="{value}"' for name, value in pairs)

    def _parameters(self, *, told: bool) -> list[tuple[str, str]]:
        error = self.error if told else None
        parameters = [
            ("error", error or ""),
            ("error_description", (self.description or "") if error else ""),
            ("scope", " ".join(self.scope)),
            ("resource_metadata", self.metadata_url or ""),
        ]
        return [(name, str(value)) for name, value in parameters if value]
