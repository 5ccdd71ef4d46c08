"""Device authorizations: from a device's request to its tokens (RFC 8628)."""

from typing import Final

from actor_oauth.actors.callback_redemptions import redeem_device_with_callback
from actor_oauth.actors.callbacks import CallbackRunner
from actor_oauth.actors.clients import Clients
from actor_oauth.actors.device import DeviceActor
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.refusals import Refusals
from actor_oauth.actors.user import Redeemed, UserActor
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.device import (
    DeviceAuthorization,
    DeviceResponse,
    decide_device_request,
    draw_user_code,
    shard_key,
    show_user_code,
    user_code_hash,
)
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.grant_types import DEVICE_CODE
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.question_lifecycle import QuestionState
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redeem_code import CodeRequest
from actor_oauth.oauth.tokens import (
    SECRET_LENGTH,
    Token,
    TokenKind,
    TokenResponse,
    parse_token,
    token_hash,
)
from actor_oauth.oauth.wire import WireError

DRAWS: Final = 5
"""Tries to draw a user code that is free."""

RECORD_BYTES: Final = 8


class DeviceAuthorizations:
    """The device authorization endpoint, and the device's polls.

    The person's side is in `device_questions.py`.
    """

    def __init__(
        self,
        effects: Effects,
        clients: Clients,
        refusals: Refusals,
        exchange_callback: CallbackRunner | None,
    ) -> None:
        self._effects = effects
        self._clients = clients
        self._refusals = refusals
        self._exchange_callback = exchange_callback

    async def begin(
        self, form: Parameters, authorization: str | None
    ) -> DeviceResponse | WireError:
        """Answer a device that wants to be let in (D-50)."""
        answer = await self._begin(form, authorization)
        if isinstance(answer, Refused):
            return self._refusals.tell(
                answer, "device_authorization", form, authorization
            )
        return answer

    async def poll(
        self, client: Client, form: Parameters, proof: Proof | None = None
    ) -> TokenResponse | Refused:
        """Answer a token request with a device code (D-51, D-53)."""
        text = form.get("device_code")
        if text is None:
            return Refused(Reason.PARAMETER_MISSING)
        token = parse_token(text)
        if token is None or token.kind is not TokenKind.DEVICE_CODE:
            return Refused(Reason.DEVICE_CODE_UNKNOWN)
        effects = self._effects
        shard = effects.system.get(DeviceActor, token.actor_key)
        ready = await shard.poll(token, client_id=client.client_id, now=effects.now())
        if isinstance(ready, Refused):
            return ready
        owner = effects.system.get(UserActor, ready.user_key)
        request = CodeRequest(token, client, None, None, proof=proof)
        if self._exchange_callback is not None:
            answer = await redeem_device_with_callback(
                self._exchange_callback, effects, owner, request, ready.grant_number
            )
        else:
            answer = await owner.redeem_device(
                request,
                ready.grant_number,
                policy=effects.policy,
                fresh=effects.fresh(),
                now=effects.now(),
            )
        return answer.response if isinstance(answer, Redeemed) else answer

    async def _begin(
        self, form: Parameters, authorization: str | None
    ) -> DeviceResponse | Refused:
        client = await self._clients.authenticate(form, authorization)
        if isinstance(client, Refused):
            return client
        policy = self._effects.policy
        if DEVICE_CODE not in client.grant_types:
            return Refused(Reason.GRANT_TYPE_UNREGISTERED)
        request = decide_device_request(
            client,
            scope=form.get("scope"),
            resources=form.getlist("resource"),
            policy=policy,
        )
        if isinstance(request, Refused):
            return request
        lifetime = policy.lifetimes.device_code
        for _ in range(DRAWS):
            code, token = self._draw()
            device = DeviceAuthorization(
                request=request,
                device_hash=token_hash(token),
                state=QuestionState.PENDING,
                expires_at=self._effects.now() + lifetime,
            )
            begun = await self._shard(code).begin(device, self._hash(code))
            if isinstance(begun, Refused):
                return begun
            if begun:
                return DeviceResponse(
                    device_code=token.render(),
                    user_code=show_user_code(code),
                    verification_uri=policy.issuer.removesuffix("/") + "/device",
                    expires_in=lifetime,
                )
        return Refused(Reason.TOO_MANY_DEVICES)

    def _draw(self) -> tuple[str, Token]:
        entropy = self._effects.entropy
        code = draw_user_code(entropy.token_bytes(64))
        token = Token(
            TokenKind.DEVICE_CODE,
            shard_key(self._hash(code)),
            entropy.token_bytes(RECORD_BYTES),
            entropy.token_bytes(SECRET_LENGTH),
        )
        return code, token

    def _shard(self, code: str) -> DeviceActor:
        return self._effects.system.get(DeviceActor, shard_key(self._hash(code)))

    def _hash(self, code: str) -> bytes:
        return user_code_hash(self._effects.keyring, code)
