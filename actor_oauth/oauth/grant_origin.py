"""How a grant came to be, if not by its user's own consent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from actor_oauth.oauth.json_values import (
    Json,
    RecordError,
    get_text,
    parse_record,
    render_record,
)

OriginKind: TypeAlias = Literal["id-jag", "workload"]

CLAIM: Final = "grant_origin"
"""In JWT access tokens and in the answers of introspection."""

_KINDS: Final[Mapping[str, OriginKind]] = {name: name for name in get_args(OriginKind)}


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantOrigin:
    """The issuer whose assertion began a grant that the user was not asked about.

    Attributes:
        kind: What was presented.
        issuer: Who signed it.
        subject: Whom it was about, as the issuer names them.
        tenant: The issuer's tenant, if it named one.
    """

    kind: OriginKind
    issuer: str
    subject: str
    tenant: str | None = None

    def to_json(self) -> dict[str, Json]:
        """Give it as the claim `CLAIM`."""
        members: dict[str, Json] = {
            "kind": self.kind,
            "iss": self.issuer,
            "sub": self.subject,
        }
        if self.tenant is not None:
            members["tenant"] = self.tenant
        return members

    def to_record(self) -> str:
        """Give the JSON text to store."""
        return render_record(self.to_json())

    @classmethod
    def from_claim(cls, value: Json) -> "GrantOrigin | None":
        """Parse what another part of the server stored; None if it stored nothing."""
        claim = value if isinstance(value, dict) else {}
        kind = _KINDS.get(get_text(claim, "kind") or "")
        issuer, subject = get_text(claim, "iss"), get_text(claim, "sub")
        if kind is None or issuer is None or subject is None:
            return None
        return cls(
            kind=kind, issuer=issuer, subject=subject, tenant=get_text(claim, "tenant")
        )

    @classmethod
    def from_record(cls, text: str) -> "GrantOrigin":
        """Read an origin back.

        Raises:
            RecordError: The record is damaged.
        """
        origin = cls.from_claim(parse_record(text))
        if origin is None:
            raise RecordError("a stored grant has an unknown origin")
        return origin
