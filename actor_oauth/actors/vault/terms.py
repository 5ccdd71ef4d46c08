"""The terms of a connection, beside its state."""

from collections.abc import Mapping
from dataclasses import dataclass

from actor_oauth.oauth.json_values import (
    Json,
    get_integer,
    get_object,
    get_text,
    get_texts,
    need_text,
    render_record,
)
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.upstream.resource_metadata import NO_SCOPE
from actor_oauth.oauth.upstream.server_metadata import UpstreamServer
from actor_oauth.oauth.upstream.step_up import StepUps


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of a connection, beside its state.

    Attributes:
        name: For people.
        created_at: When it was first connected, in Unix seconds.
        metadata: What the application attached.
        scope: What its token may be used for.
        requested: What was asked for when it was authorized.
        wanted: What to ask for besides the next time: a request lacked it (I-36).
        step_ups: How often each such scope was wanted, and since when.
        doubted: Which token replaced one that was refused (I-35); None if none did.
        sends_resource: Whether the resource is named in requests.
        server: Who gave the token; None for a public resource.
        client_id: This server's id at the other one; None for a public resource.
        user_id: Who authorized it, to be informed of its end; None for a public
            resource.
    """

    name: str
    created_at: int
    metadata: Json = None
    scope: Scope = NO_SCOPE
    requested: Scope = NO_SCOPE
    wanted: Scope = NO_SCOPE
    step_ups: tuple[StepUps, ...] = ()
    doubted: tuple[int, int] | None = None
    sends_resource: bool = True
    server: UpstreamServer | None = None
    client_id: str | None = None
    user_id: str | None = None

    def to_record(self) -> str:
        """Give what is stored of it."""
        return render_record(
            {
                "name": self.name,
                "created_at": self.created_at,
                "metadata": self.metadata,
                "scope": [*self.scope],
                "requested": [*self.requested],
                "wanted": [*self.wanted],
                "step_ups": [
                    [each.scope, each.count, each.since] for each in self.step_ups
                ],
                "doubted": None if self.doubted is None else [*self.doubted],
                "sends_resource": self.sends_resource,
                "server": None if self.server is None else self.server.to_record(),
                "client_id": self.client_id,
                "user_id": self.user_id,
            }
        )

    @classmethod
    def from_record(cls, record: Mapping[str, Json]) -> "Terms":
        """Read what `to_record` gave.

        Raises:
            RecordError: It is damaged.
        """
        server = get_object(record, "server")
        return cls(
            name=need_text(record, "name"),
            created_at=get_integer(record, "created_at"),
            metadata=record.get("metadata"),
            scope=Scope(get_texts(record, "scope")),
            requested=Scope(get_texts(record, "requested")),
            wanted=Scope(get_texts(record, "wanted")),
            step_ups=_step_ups(record.get("step_ups")),
            doubted=_version(record.get("doubted")),
            sends_resource=record.get("sends_resource") is True,
            server=UpstreamServer.from_record(server) if server else None,
            client_id=get_text(record, "client_id"),
            user_id=get_text(record, "user_id"),
        )


def _step_ups(value: Json) -> tuple[StepUps, ...]:
    rows = value if isinstance(value, list) else []
    return tuple(
        StepUps(scope=str(row[0]), count=int(str(row[1])), since=int(str(row[2])))
        for row in rows
        if isinstance(row, list)
    )


def _version(value: Json) -> tuple[int, int] | None:
    if not isinstance(value, list):
        return None
    epoch, generation = value
    return int(str(epoch)), int(str(generation))
