"""The one mapping from a refusal to what a client is told: vague outside, rich inside."""

from dataclasses import dataclass

from actor_oauth.oauth.categories import Category
from actor_oauth.oauth.reasons import Reason, Refused

__all__ = ["Category", "Reason", "Refused", "WireError", "to_wire"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WireError:
    """What a client is told, in the terms of RFC 6749 §5.2.

    Attributes:
        error: The error code.
        description: For `error_description`.
        status: The HTTP status.
        www_authenticate: The challenge to send, or None for no header.
        retry_after: Seconds for `Retry-After`, or None for no header.
        dpop_nonce: For `DPoP-Nonce`, or None for no header.
    """

    error: str
    description: str
    status: int
    www_authenticate: str | None = None
    retry_after: int | None = None
    dpop_nonce: str | None = None

    def to_json(self) -> dict[str, str]:
        """Give the members of the error response's JSON object."""
        return {"error": self.error, "error_description": self.description}


def to_wire(
    reason: Reason, *, header_used: bool = False, realm: str = "oauth"
) -> WireError:
    """Tell a client about a refusal.

    Args:
        reason: Why it was refused.
        header_used: Whether the client tried to authenticate by the `Authorization`
            header: only then does `invalid_client` carry a challenge (E-08).
        realm: For the challenge. From configuration, never from a request.

    Source: RFC 6749 §5.2.
    """
    category = reason.category
    challenge = None
    if category is Category.INVALID_CLIENT and header_used:
        challenge = f'Basic realm="{realm}", charset="UTF-8"'
    if category is Category.INVALID_TOKEN:
        challenge = f'Bearer realm="{realm}", error="{category.error}"'
    return WireError(
        error=category.error,
        description=reason.description,
        status=category.status,
        www_authenticate=challenge,
        retry_after=category.retry_after,
    )
