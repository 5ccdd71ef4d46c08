"""Which connection belongs to a URL: the longest path of whole segments (I-33)."""

from collections.abc import Iterable
from typing import TypeVar

from actor_oauth.oauth.resources import covers
from actor_oauth.oauth.uris import parse_web_url

K = TypeVar("K")


def find_match(url: str, resources: Iterable[tuple[str, K]]) -> K | None:
    """Find the resource that a URL belongs to.

    Scheme, host and port must be equal, and the resource's path must end between two
    segments of the URL's path, once `.` and `..` are resolved, also written `%2e`.

    Args:
        url: Where a request is to go.
        resources: Identifiers, with what to give for each.

    Returns:
        The value of the longest path that matches; None if none does.
    """
    fitting = [(_depth(name), key) for name, key in resources if covers(name, url)]
    # Ties differ in a query or a slash at the end: the more particular one counts.
    return max(fitting, key=lambda found: found[0])[1] if fitting else None


def _depth(resource: str) -> tuple[int, int]:
    uri = parse_web_url(resource)
    assert uri is not None
    segments = [segment for segment in uri.path.split("/") if segment]
    return len(segments), len(resource)
