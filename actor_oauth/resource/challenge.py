"""The `WWW-Authenticate` challenge of a protected resource (RFC 6750 §3, RFC 9728 §5.1).

Rule: what stands in a challenge is checked when the challenge is made, so that nothing
an application or a client chose can end a quoted string or a header line.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# OAuth 2.1 §5.3.1: %x20-21 / %x23-5B / %x5D-7E, that is, no quote, backslash or control.
_QUOTABLE: Final = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]*")


class ChallengeError(StrEnum):
    """The error codes of RFC 6750 §3.1, with their HTTP status."""

    INVALID_REQUEST = "invalid_request"
    INVALID_TOKEN = "invalid_token"  # noqa: S105  an error code
    INSUFFICIENT_SCOPE = "insufficient_scope"

    @property
    def status(self) -> int:
        """The status of an answer with this error."""
        return _STATUS[self]


_STATUS: Final = {
    ChallengeError.INVALID_REQUEST: 400,
    ChallengeError.INVALID_TOKEN: 401,
    ChallengeError.INSUFFICIENT_SCOPE: 403,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One `Bearer` challenge.

    Attributes:
        metadata_url: Absolute URL of the protected resource metadata (G-07).
        scope: The scopes to ask for: the baseline without a token, all scopes of the
            operation with `insufficient_scope` (G-08).
        error: None if no usable credentials were sent: a challenge with an error would
            tell a client that its token is bad when it has none (G-03).
        description: For the client's developer; only with an error.

    Raises:
        ValueError: A value cannot stand in a quoted string (G-10).
    """

    metadata_url: str
    scope: tuple[str, ...] = ()
    error: ChallengeError | None = None
    description: str | None = None

    def __post_init__(self) -> None:
        for _, value in self._parameters():
            if _QUOTABLE.fullmatch(value) is None:
                msg = f"cannot stand in a challenge: {value!r}"
                raise ValueError(msg)

    @property
    def status(self) -> int:
        """The HTTP status that the challenge belongs to."""
        return 401 if self.error is None else self.error.status

    def render(self) -> str:
        """Render the value of the header."""
        parameters = ", ".join(
            f'{name}="{value}"' for name, value in self._parameters()
        )
        return f"Bearer {parameters}"

    def _parameters(self) -> list[tuple[str, str]]:
        parameters = [
            ("error", self.error or ""),
            ("error_description", (self.description or "") if self.error else ""),
            ("scope", " ".join(self.scope)),
            ("resource_metadata", self.metadata_url),
        ]
        return [(name, str(value)) for name, value in parameters if value]
