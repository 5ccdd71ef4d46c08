"""The server that is measured: its endpoints, and requests to them."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from actor_oauth.bench.asking import BenchError, ask
from actor_oauth.bench.http import (
    Answer,
    Request,
    render,
    render_form,
    render_json,
)
from actor_oauth.oauth.grant_types import JWT_BEARER
from actor_oauth.oauth.json_values import Json

REDIRECT_URI: Final = "http://127.0.0.1/callback"

_WELL_KNOWN: Final = (
    ("/.well-known/oauth-authorization-server", ""),
    ("/.well-known/openid-configuration", ""),
    ("", "/.well-known/openid-configuration"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where things are, as absolute URLs; None for what the server does not have.

    Attributes:
        token: Where tokens come from (RFC 6749 §3.2).
        authorization: Where codes come from.
        revocation: RFC 7009.
        introspection: RFC 7662.
        registration: RFC 7591.
        resource: Something that refuses a bad access token with 401, and a good one not.
        unguarded: The same application of the same server, for everybody.
    """

    token: str
    authorization: str | None = None
    revocation: str | None = None
    introspection: str | None = None
    registration: str | None = None
    resource: str | None = None
    unguarded: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who a client is, and how it says so.

    Attributes:
        client_id: Its name.
        secret: None for a public client.
        in_body: Whether the secret goes into the form, rather than HTTP Basic.
        management: Where and with which token it manages its own registration
            (RFC 7592), if it can.
    """

    client_id: str
    secret: str | None = None
    in_body: bool = False
    management: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a user allowed a client: its first tokens."""

    client: Credentials
    refresh_token: str
    access_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An authorization code that was not redeemed yet, and what goes with it."""

    client: Credentials
    code: str
    verifier: str | None
    redirect_uri: str = REDIRECT_URI


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """An identity assertion that was not presented yet, and the client that may."""

    client: Credentials
    assertion: str


class Target:
    """A server, and how to ask it for things.

    Attributes:
        endpoints: Its.
        checker: The client that may introspect all clients' tokens; by default, their
            own.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        *,
        checker: Credentials | None = None,
        spreads_addresses: bool = False,
    ) -> None:
        """Make it.

        Args:
            endpoints: See the class.
            checker: See the class.
            spreads_addresses: Whether every request says that it comes from another
                address, so that no limit for each address is met.
        """
        self.endpoints = endpoints
        self.checker = checker
        self._spreads_addresses = spreads_addresses
        self._requests = 0

    @property
    def headers(self) -> dict[str, str]:
        """Of the next request."""
        if not self._spreads_addresses:
            return {}
        number = self._requests = self._requests + 1
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        return {"X-Forwarded-For": address}

    def _post(
        self, url: str, fields: Mapping[str, str], client: Credentials
    ) -> Request:
        headers = self.headers
        form = dict(fields)
        if client.secret is None:
            form["client_id"] = client.client_id
        elif client.in_body:
            form |= {"client_id": client.client_id, "client_secret": client.secret}
        else:
            # RFC 6749 §2.3.1: both are form-encoded before they are joined.
            pair = f"{quote(client.client_id, '')}:{quote(client.secret, '')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        return render_form(url, form, headers)

    def refresh(self, client: Credentials, token: str) -> Request:
        """Present a refresh token (RFC 6749 §6)."""
        fields = {"grant_type": "refresh_token", "refresh_token": token}
        return self._post(self.endpoints.token, fields, client)

    def redeem(self, code: Code) -> Request:
        """Present a code (RFC 6749 §4.1.3, RFC 7636 §4.5)."""
        fields = {
            "grant_type": "authorization_code",
            "code": code.code,
            "redirect_uri": code.redirect_uri,
        }
        if code.verifier is not None:
            fields["code_verifier"] = code.verifier
        return self._post(self.endpoints.token, fields, code.client)

    def present(self, assertion: Assertion) -> Request:
        """Present an assertion (RFC 7523 §2.1)."""
        fields = {"grant_type": JWT_BEARER, "assertion": assertion.assertion}
        return self._post(self.endpoints.token, fields, assertion.client)

    def revoke(self, client: Credentials, token: str, hint: str) -> Request:
        """Revoke a token (RFC 7009 §2.1).

        Raises:
            BenchError: The server does not have this endpoint.
        """
        url = _needed(self.endpoints.revocation, "revocation endpoint")
        return self._post(url, {"token": token, "token_type_hint": hint}, client)

    def introspect(self, client: Credentials, token: str) -> Request:
        """Ask whether a token is valid (RFC 7662 §2.1).

        Raises:
            BenchError: The server does not have this endpoint.
        """
        url = _needed(self.endpoints.introspection, "introspection endpoint")
        return self._post(url, {"token": token}, self.checker or client)

    def check(self, client: Credentials, access_token: str) -> Request:
        """Use an access token: at the resource, or by introspection if there is none.

        Raises:
            BenchError: The server has neither.
        """
        if self.endpoints.resource is None:
            return self.introspect(client, access_token)
        return self._get(self.endpoints.resource, access_token)

    def unguarded(self, access_token: str) -> Request:
        """Send the request of `check` to where the token is not checked.

        Raises:
            BenchError: The server has no such place.
        """
        url = _needed(self.endpoints.unguarded, "resource without a guard")
        return self._get(url, access_token)

    def _get(self, url: str, access_token: str) -> Request:
        bearer = {"Authorization": f"Bearer {access_token}", **self.headers}
        return render("GET", url, headers=bearer)

    @property
    def can_check(self) -> bool:
        """Whether access tokens can be tried out."""
        return bool(self.endpoints.resource or self.endpoints.introspection)

    def accepted(self, answer: Answer) -> bool | None:
        """Tell whether a check found the token good; None if it did not say."""
        if self.endpoints.resource is None:
            active = answer.members().get("active") if answer.is_good else None
            return active if isinstance(active, bool) else None
        if answer.status in (401, 403):
            return False
        return None if answer.status == 0 or answer.status >= 500 else True

    def register(self, metadata: Mapping[str, Json]) -> Request:
        """Register a client (RFC 7591 §3.1).

        Raises:
            BenchError: The server does not have this endpoint.
        """
        url = _needed(self.endpoints.registration, "registration endpoint")
        return render_json(url, metadata, self.headers)

    def delete(self, client: Credentials) -> Request:
        """Delete a client's registration (RFC 7592 §2.3).

        Raises:
            BenchError: The client was given no means to.
        """
        return self._manage("DELETE", client)

    def read(self, client: Credentials) -> Request:
        """Read a client's registration (RFC 7592 §2.1).

        Raises:
            BenchError: The client was given no means to.
        """
        return self._manage("GET", client)

    def _manage(self, method: str, client: Credentials) -> Request:
        if client.management is None:
            raise BenchError("the server gives clients no registration access token")
        url, token = client.management
        headers = {"Authorization": f"Bearer {token}", **self.headers}
        return render(method, url, headers=headers)

    def authorize(
        self, client: Credentials, challenge: str, *, user: str | None
    ) -> Request:
        """Ask for a code, as a browser would (RFC 6749 §4.1.1).

        Args:
            client: The requesting client.
            challenge: Of the verifier, by S256.
            user: A hint of who it is that allows it, for servers that approve at once.

        Raises:
            BenchError: The server does not have this endpoint.
        """
        url = _needed(self.endpoints.authorization, "authorization endpoint")
        query = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": REDIRECT_URI,
            "state": "bench",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if user is not None:
            query["login_hint"] = user
        joint = "&" if urlsplit(url).query else "?"
        return render("GET", f"{url}{joint}{urlencode(query)}", headers=self.headers)


def _needed(url: str | None, what: str) -> str:
    if url is None:
        raise BenchError(f"the server has no {what}, or does not say where it is")
    return url


def discover(issuer: str) -> Endpoints:
    """Read the metadata of an authorization server (RFC 8414 §3, OpenID Discovery §4).

    Raises:
        BenchError: There is none.
    """
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    tried = []
    for before, after in _WELL_KNOWN:
        url = f"{parts.scheme}://{parts.netloc}{before}{path}{after}"
        answer = ask(render("GET", url, headers={"Accept": "application/json"}))
        if answer.status == 200 and answer.text("token_endpoint"):
            return Endpoints(
                token=answer.text("token_endpoint"),
                authorization=answer.text("authorization_endpoint") or None,
                revocation=answer.text("revocation_endpoint") or None,
                introspection=answer.text("introspection_endpoint") or None,
                registration=answer.text("registration_endpoint") or None,
            )
        tried.append(f"{url}: {answer.told}")
    raise BenchError("no metadata document: " + "; ".join(tried))


def overridden(endpoints: Endpoints, changes: Mapping[str, str | None]) -> Endpoints:
    """Give endpoints with those of the command line in their places."""
    given = {name: url for name, url in changes.items() if url is not None}
    return replace(endpoints, **given)
