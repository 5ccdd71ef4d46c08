"""What every page is given: the site it belongs to and the visit it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from actor_oauth.actors.authorization_server import AuthorizationServer, Session
from actor_oauth.actors.throttle import TokenBuckets
from actor_oauth.http.addresses import Addresses
from actor_oauth.http.faults import FaultLog
from actor_oauth.http.options import HttpOptions
from actor_oauth.http.own_identity import OwnIdentity
from actor_oauth.oauth.interaction import SignIn
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.runtime.clock import Clock
from actor_oauth.runtime.entropy import Entropy
from actor_oauth.upstream.federation import Federation
from actor_oauth.upstream.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The authorization server as its pages see it.

    Attributes:
        server: Decides and remembers everything.
        options: What the operator set.
        addresses: Where the endpoints live.
        clock: For throttles and for "2 hours ago".
        entropy: For marking browsers.
        logins: Attempts to sign in, by address.
        device_codes: Attempts to find a device's code, by address.
        strangers: Authorization requests where nobody is signed in, by address.
        askers: Authorization requests of people, by person.
        connects: Sign-ins begun at other services, by person.
        vault: Connections to other services; None if that is off.
        federation: The services that people may sign in with; None if there is none.
        own_identity: The application's own sessions; None if people sign in here.
        faults: Logs exceptions.
    """

    server: AuthorizationServer
    options: HttpOptions
    addresses: Addresses
    clock: Clock
    entropy: Entropy
    logins: TokenBuckets
    device_codes: TokenBuckets
    strangers: TokenBuckets
    askers: TokenBuckets
    connects: TokenBuckets
    vault: Vault | None = None
    federation: Federation | None = None
    own_identity: OwnIdentity | None = None
    faults: FaultLog = field(default_factory=FaultLog)

    @property
    def session_cookie(self) -> str:
        """The name of the session's cookie."""
        return self.addresses.cookie_name("session")

    @property
    def browser_cookie(self) -> str:
        """The name of the cookie that marks a browser before sign-in."""
        return self.addresses.cookie_name("browser")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of a browser for a page.

    Attributes:
        query: The query string as on the wire.
        parameters: The query's, or the form's for a POST.
        cookies: By name.
        caller: The address to throttle by.
        segments: Those of the path that the route leaves open, by name.
    """

    query: bytes = field(repr=False)
    parameters: Parameters
    cookies: Mapping[str, str] = field(repr=False)
    caller: str
    segments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session and the cookie that proved it."""

    session: Session
    cookie: str = field(repr=False)

    @property
    def sign_in(self) -> SignIn:
        """Who that is, and since when."""
        return SignIn(
            user_id=self.session.user_id,
            auth_time=self.session.auth_time,
            entered_at=self.session.entered_at,
        )


async def signed_in(site: Site, visit: Visit) -> SignedIn | None:
    """Find the visit's session; None if there is none, or it has ended."""
    cookie = visit.cookies.get(site.session_cookie)
    session = None if cookie is None else await site.server.session(cookie)
    if cookie is None or session is None:
        return None
    return SignedIn(session=session, cookie=cookie)
