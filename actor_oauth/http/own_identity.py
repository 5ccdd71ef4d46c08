"""How an application uses its own sessions in place of a sign-in here."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserRequest:
    """What an application recognises a user by.

    Attributes:
        path: Of the page.
        cookies: By name.
        headers: By name, in lower case.
    """

    path: str
    cookies: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnIdentity:
    """How an application recognises users, and where they sign in.

    Attributes:
        authenticate: Gives the name of the user whose browser this is, or None.
        sign_in_url: Where a browser is sent in which nobody is signed in. It is given
            `return_to`, an address of this server, and `prompt` if the client wants the
            person to sign in once more (`login`), or to choose who to be
            (`select_account`).
        seconds: How long `authenticate` may take.
    """

    authenticate: Callable[[BrowserRequest], Awaitable[str | None]]
    sign_in_url: str
    seconds: float = 5.0
