"""Forms that clients send: parsed, throttled, answered, rendered.

What token, revocation and introspection endpoint have in common. Each is a function
from form and `Authorization` to an answer; whatever comes before and after is here.
"""

from collections.abc import Awaitable, Callable, Sequence

from actor_oauth.actors.refusals import Refusals
from actor_oauth.actors.throttle import Rate, TokenBuckets
from actor_oauth.http.messages import Endpoint, Request, Response
from actor_oauth.http.options import HttpOptions
from actor_oauth.http.peer import caller_address
from actor_oauth.http.render import refusal, throttled, wire_error
from actor_oauth.oauth.client_authentication import named_client
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.wire import Reason, Refused, WireError
from actor_oauth.runtime.clock import Clock

Answer = Callable[[Parameters, str | None], Awaitable[Response | WireError]]
ProvingAnswer = Callable[
    [Parameters, str | None, Sequence[str]], Awaitable[Response | WireError]
]


class ClientRequests:
    """Makes endpoints for clients that authenticate, and counts their failures (E-09).

    Only failures count, so a client that is who it says never meets a limit. They are
    counted for each address and client, and with more patience for each address:
    behind one address there may be many clients, and one that fails must not lock out
    the others.
    """

    def __init__(self, options: HttpOptions, clock: Clock, refusals: Refusals) -> None:
        self._hops = options.trusted_proxy_hops
        self._clock = clock
        self._refusals = refusals
        self._by_client = TokenBuckets(options.client_failure_rate)
        self._by_address = TokenBuckets(options.address_failure_rate)

    def endpoint(self, answer: Answer, *, rate: Rate | None = None) -> Endpoint:
        """Give the endpoint that reads a form and renders what `answer` says.

        Args:
            answer: From form and `Authorization` to an answer.
            rate: How often an address may ask at all, successes included; None for an
                endpoint that keeps nothing for those who ask.
        """

        def without_proofs(
            form: Parameters, authorization: str | None, _proofs: Sequence[str]
        ) -> Awaitable[Response | WireError]:
            return answer(form, authorization)

        serve = self.proving_endpoint(without_proofs)
        return serve if rate is None else self._limited(serve, TokenBuckets(rate))

    def proving_endpoint(self, answer: ProvingAnswer) -> Endpoint:
        """Give such an endpoint whose `answer` also gets the `DPoP` header's lines."""

        async def serve(request: Request) -> Response:
            form = parse_form(request.body)
            if isinstance(form, Refused):
                return self._refuse(request, form)
            lines = request.header_lines(b"authorization")
            if len(lines) > 1:
                return self._refuse(request, Refused(Reason.CLIENT_METHODS_MIXED))
            authorization = lines[0].decode("latin-1") if lines else None
            seconds = self._wait(request, form, authorization)
            if seconds:
                client_id = named_client(form, authorization)
                return self._throttle(request, seconds, client_id)
            proofs = [line.decode("latin-1") for line in request.header_lines(b"dpop")]
            answered = await answer(form, authorization, proofs)
            if isinstance(answered, Response):
                return answered
            if answered.error == "invalid_client":
                self._count_failure(request, form, authorization)
            return wire_error(answered)

        return serve

    def _limited(self, endpoint: Endpoint, asked: TokenBuckets) -> Endpoint:
        async def serve(request: Request) -> Response:
            seconds = asked.take(self._address(request), now=self._clock.now())
            if seconds:
                return self._throttle(request, seconds)
            return await endpoint(request)

        return serve

    def _refuse(self, request: Request, refused: Refused) -> Response:
        self._refusals.note(refused, request.endpoint)
        return refusal(refused.reason)

    def _throttle(
        self, request: Request, seconds: int, client_id: str | None = None
    ) -> Response:
        refused = Refused(Reason.RATE_LIMITED)
        self._refusals.note(
            refused,
            request.endpoint,
            client_id=client_id,
            caller=self._address(request),
        )
        return throttled(seconds)

    def _wait(
        self, request: Request, form: Parameters, authorization: str | None
    ) -> int:
        """Seconds that this caller must wait after its failures; usually 0."""
        if not len(self._by_address):
            return 0
        now = self._clock.now()
        address = self._address(request)
        pair = _pair(address, form, authorization)
        return max(
            self._by_address.wait(address, now=now),
            self._by_client.wait(pair, now=now),
        )

    def _count_failure(
        self, request: Request, form: Parameters, authorization: str | None
    ) -> None:
        now = self._clock.now()
        address = self._address(request)
        self._by_address.take(address, now=now)
        self._by_client.take(_pair(address, form, authorization), now=now)

    def _address(self, request: Request) -> str:
        forwarded = request.header_lines(b"x-forwarded-for") if self._hops else ()
        return caller_address(request.connection, forwarded, hops=self._hops)


def _pair(address: str, form: Parameters, authorization: str | None) -> str:
    return f"{address} {named_client(form, authorization) or ''}"
