"""How a grant came to be, if not by its user's own consent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from actor_oauth.oauth.json_values import (
    Json,
    RecordError,
    get_text,
    need_text,
    parse_record,
    render_record,
)

OriginKind: TypeAlias = Literal["id-jag", "workload"]

_KINDS: Final[Mapping[str, OriginKind]] = {name: name for name in get_args(OriginKind)}


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantOrigin:
    """On whose word a grant began that its user was not asked for.

    Attributes:
        kind: What was presented.
        issuer: Who signed it.
        subject: Whom it was about, as the issuer names them.
        tenant: In which of the issuer's tenants, if it said so.
    """

    kind: OriginKind
    issuer: str
    subject: str
    tenant: str | None = None

    def to_json(self) -> dict[str, Json]:
        """Give it as introspection tells it."""
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
    def from_record(cls, text: str) -> "GrantOrigin":
        """Read an origin back.

        Raises:
            RecordError: The record is damaged.
        """
        record = parse_record(text)
        kind = _KINDS.get(need_text(record, "kind"))
        if kind is None:
            raise RecordError("a stored grant has an unknown origin")
        return cls(
            kind=kind,
            issuer=need_text(record, "iss"),
            subject=need_text(record, "sub"),
            tenant=get_text(record, "tenant"),
        )
