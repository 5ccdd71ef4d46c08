"""Requests to other servers, and their responses, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlencode

from actor_oauth.oauth.upstream.failures import is_unavailable
from actor_oauth.oauth.uris import Uri

USER_AGENT: Final = b"actor-oauth"

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"

HeaderLine = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A request to another server.

    Attributes:
        url: Absolute; http or https.
        method: The verb.
        accept: The media types that are wanted.
        content_type: Of the body.
        body: Empty for none.
        authorization: For the header, or None.
        reads_body: Whether the answer's body is wanted. One that streams has no end.
    """

    url: str
    method: Literal["GET", "HEAD", "POST"] = "GET"
    accept: str = JSON
    content_type: str = JSON
    body: bytes = field(default=b"", repr=False)
    authorization: str | None = field(default=None, repr=False)
    reads_body: bool = True

    def header_lines(self, uri: Uri) -> list[HeaderLine]:
        """Give the whole header. Nothing is in it that is not named here (B-13)."""
        host = (uri.host or "").lower()
        authority = host if uri.port is None else f"{host}:{uri.port}"
        lines = [
            (b"Host", authority.encode()),
            (b"Accept", self.accept.encode()),
            (b"Accept-Encoding", b"identity"),
            (b"User-Agent", USER_AGENT),
            (b"Connection", b"close"),
        ]
        if self.method == "POST":
            lines.append((b"Content-Type", self.content_type.encode()))
            lines.append((b"Content-Length", b"%d" % len(self.body)))
        if self.authorization is not None:
            lines.append((b"Authorization", self.authorization.encode()))
        return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, whatever its status. A redirect is one too: none is followed.

    Attributes:
        status: The HTTP status.
        lines: The header, names in lower case.
        body: Decoded; empty if it was not wanted.
    """

    status: int
    lines: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    @property
    def is_unavailable(self) -> bool:
        """Whether the server says that it cannot answer now: 429, or a 5xx."""
        return is_unavailable(self.status)

    def header(self, name: str) -> str | None:
        """Give a header, its lines joined as RFC 9110 §5.3 allows; None if absent."""
        values = self.header_lines(name)
        return ", ".join(values) if values else None

    def header_lines(self, name: str) -> tuple[str, ...]:
        """Give the value of each line of a header."""
        return tuple(value for key, value in self.lines if key == name)

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON."""
        essence = (self.header("content-type") or "").partition(";")[0].strip().lower()
        kind, _, subtype = essence.partition("/")
        return kind == "application" and (
            subtype == "json" or subtype.endswith("+json")
        )

    @property
    def retry_after(self) -> int | None:
        """Seconds after which to ask again; None if they are not said in seconds."""
        text = (self.header("retry-after") or "").strip()
        digits = text.isascii() and text.isdigit() and len(text) < len("9" * 8)
        return int(text) if digits else None


def form_request(
    url: str, form: Mapping[str, str], *, authorization: str | None = None
) -> Outgoing:
    """Make a request that posts a form.

    Args:
        url: Where to.
        form: Its fields.
        authorization: For the header, or None.
    """
    return Outgoing(
        url=url,
        method="POST",
        content_type=FORM,
        body=urlencode(form).encode(),
        authorization=authorization,
    )
