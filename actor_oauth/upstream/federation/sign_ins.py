"""Sending browsers to login services, and identifying users who return.

Rule 1: a sign-in is begun for one browser, and only that one can finish it.
Rule 2: nothing of an answer is believed before it was found to be the asked service's.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field, replace
from hashlib import sha256

import structlog

from actor_oauth.actors.effects import Effects
from actor_oauth.actors.federation import BegunSignIn, SignInsActor
from actor_oauth.actors.federation.sign_ins import sign_ins_key
from actor_oauth.oauth.federation.faults import SignInFault, SignInRefused
from actor_oauth.oauth.federation.id_tokens import nonce_of
from actor_oauth.oauth.federation.identity import Identity, decide_admission
from actor_oauth.oauth.federation.providers import (
    FederationPolicy,
    LoginProvider,
    ProviderKind,
)
from actor_oauth.oauth.federation.wishes import NO_WISHES, Wishes, parameters_for
from actor_oauth.oauth.json_values import need_text, parse_record, render_record
from actor_oauth.oauth.keyring import NONCE_LENGTH
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.upstream.attempts import (
    LIFETIME,
    Attempt,
    Departure,
    begin_attempt,
    decide_callback,
    state_hash,
)
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.server_metadata import UpstreamServer
from actor_oauth.oauth.upstream.token_response import UpstreamTokens
from actor_oauth.upstream.federation.recognising import Recogniser
from actor_oauth.upstream.federation.servers import ProviderServers, failed
from actor_oauth.upstream.token_calls import TokenCalls

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_PURPOSE = "upstream sign-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outward:
    """Where a browser is to be sent.

    Attributes:
        url: At the service.
        label: What the service is called.
    """

    url: str = field(repr=False)
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedSignIn:
    """A user has returned, and the service has identified them.

    Attributes:
        provider: The service.
        identity: Who that is there. Admitted.
        attempt: How they were asked.
        tokens: The service's.
        data: What was given to `begin`.
    """

    provider: LoginProvider
    identity: Identity
    attempt: Attempt = field(repr=False)
    tokens: UpstreamTokens
    data: str = field(repr=False)


class SignIns:
    """Sign-ins under way; part of `Federation`.

    Args:
        effects: Actors, keys, time and randomness.
        policy: The operator's.
        base: The issuer, without a slash at its end.
        servers: What is known of the services.
        calls: To their token endpoints.
        recogniser: Identifies users.
    """

    def __init__(
        self,
        *,
        effects: Effects,
        policy: FederationPolicy,
        base: str,
        servers: ProviderServers,
        calls: TokenCalls,
        recogniser: Recogniser,
    ) -> None:
        self.policy = policy
        self._effects = effects
        self._base = base
        self._servers = servers
        self._calls = calls
        self._recogniser = recogniser

    async def begin(
        self,
        name: str,
        *,
        browser: str,
        data: str = "",
        wishes: Wishes = NO_WISHES,
    ) -> Outward | SignInRefused:
        """Begin a sign-in.

        Args:
            name: Of the service.
            browser: What only the person's browser holds, such as a cookie's value.
            data: Returned by `finish`; at most some kilobytes. It is encrypted.
            wishes: What is required of the sign-in.

        Returns:
            Where to send the browser.
        """
        provider = self.policy.provider(name)
        if provider is None:
            return SignInRefused(fault=SignInFault.ATTEMPT_UNKNOWN, detail=name[:80])
        server = await self._servers.server(provider)
        if isinstance(server, SignInRefused):
            return logged(server, provider)
        departure = self._departure(provider, server, wishes)
        url = await self._calls.authorization_url(departure)
        if isinstance(url, UpstreamFailed):
            return logged(failed(url), provider)
        effects = self._effects
        attempt = departure.attempt.to_record()
        record = render_record({"attempt": attempt, "data": data}).encode()
        key = state_hash(departure.state)
        begun = await effects.system.get(SignInsActor, sign_ins_key(key)).begin(
            key,
            BegunSignIn(
                provider=provider.name,
                record=effects.keyring.seal(
                    _PURPOSE, record, nonce=effects.entropy.token_bytes(NONCE_LENGTH)
                ),
                expires_at=effects.now() + LIFETIME,
            ),
            browser=_browser_hash(browser),
            now=effects.now(),
        )
        if not begun:
            return logged(SignInRefused(fault=SignInFault.TOO_MANY), provider)
        return Outward(url=url, label=provider.label)

    async def finish(
        self, name: str, answer: Parameters, *, browser: str
    ) -> FinishedSignIn | SignInRefused:
        """Find out who has come back.

        Args:
            name: Of the service at whose address the answer arrived.
            answer: Its parameters.
            browser: As for `begin`.
        """
        provider = self.policy.provider(name)
        if provider is None:
            return SignInRefused(fault=SignInFault.ATTEMPT_UNKNOWN, detail=name[:80])
        finished = await self._finish(provider, answer, browser)
        if isinstance(finished, SignInRefused):
            return logged(finished, provider)
        refused = decide_admission(
            finished.identity, provider.admission, kind=provider.kind
        )
        if refused is None:
            return finished
        return logged(replace(refused, data=finished.data), provider)

    def _departure(
        self, provider: LoginProvider, server: UpstreamServer, wishes: Wishes
    ) -> Departure:
        departure = begin_attempt(
            resource=provider.issuer,
            server=server,
            client=provider.client(self._base),
            scope=provider.scope,
            fresh=self._effects.fresh(),
            now=self._effects.now(),
            sends_resource=False,
            further=parameters_for(provider, wishes),
        )
        if provider.kind is not ProviderKind.OIDC:
            return departure
        nonce = nonce_of(departure.attempt.verifier)
        return replace(departure, parameters={**departure.parameters, "nonce": nonce})

    async def _finish(
        self, provider: LoginProvider, answer: Parameters, browser: str
    ) -> FinishedSignIn | SignInRefused:
        taken = await self._take(provider, answer, browser)
        if isinstance(taken, SignInRefused):
            return taken
        attempt, data = taken
        answered = await self._answered(provider, attempt, answer)
        if isinstance(answered, SignInRefused):
            return replace(answered, data=data)
        identity, tokens = answered
        return FinishedSignIn(
            provider=provider,
            identity=identity,
            attempt=attempt,
            tokens=tokens,
            data=data,
        )

    async def _answered(
        self, provider: LoginProvider, attempt: Attempt, answer: Parameters
    ) -> tuple[Identity, UpstreamTokens] | SignInRefused:
        client = provider.client(self._base)
        code = decide_callback(answer, attempt, redirect_uri=client.redirect_uri)
        if isinstance(code, UpstreamFailed):
            if code.fault is UpstreamFault.DENIED:
                return SignInRefused(fault=SignInFault.DENIED)
            return failed(code)
        tokens = await self._calls.exchange_code(attempt, code)
        if isinstance(tokens, UpstreamFailed):
            return failed(tokens)
        identity = await self._recogniser.recognise(provider, attempt, tokens)
        return identity if isinstance(identity, SignInRefused) else (identity, tokens)

    async def _take(
        self, provider: LoginProvider, answer: Parameters, browser: str
    ) -> tuple[Attempt, str] | SignInRefused:
        state = answer.get("state")
        if state is None or "state" in answer.repeated:
            return SignInRefused(fault=SignInFault.ATTEMPT_UNKNOWN)
        key, effects = state_hash(state), self._effects
        sign_ins = effects.system.get(SignInsActor, sign_ins_key(key))
        taken = await sign_ins.take(
            key,
            provider=provider.name,
            browser=_browser_hash(browser),
            now=effects.now(),
        )
        if isinstance(taken, SignInRefused):
            return taken
        opened = effects.keyring.unseal(_PURPOSE, taken.record)
        if opened is None:
            return SignInRefused(fault=SignInFault.ATTEMPT_UNKNOWN, detail="key gone")
        record = parse_record(opened.decode())
        attempt = Attempt.from_record(need_text(record, "attempt"))
        return attempt, need_text(record, "data")


def _browser_hash(browser: str) -> bytes:
    digest = sha256(b"sign-in browser\0" + browser.encode()).digest()
    return urlsafe_b64encode(digest)


def logged(refused: SignInRefused, provider: LoginProvider) -> SignInRefused:
    """Log why nobody was signed in, and give it back."""
    log.warning(
        "sign-in failed",
        provider=provider.name,
        fault=str(refused.fault),
        detail=refused.detail,
    )
    return refused
