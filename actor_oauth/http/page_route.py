"""One line of the table of pages."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from actor_oauth.http.page import Answer
from actor_oauth.http.site import Site, Visit

View = Callable[[Site, Visit], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class PageRoute:
    """A page at a path below the issuer's.

    Attributes:
        path: From the issuer's path on. `<name>` matches a segment, which the view
            finds in `Visit.segments`.
        method: GET, which implies HEAD, or POST.
        view: The page's code.
        foreign_forms: Whether pages of other origins may send forms here.
    """

    path: str
    method: str
    view: View
    foreign_forms: bool = False
