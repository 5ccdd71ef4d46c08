"""Device authorizations: from a device's request to its tokens (RFC 8628)."""

from dataclasses import dataclass
from typing import Final

from actor_oauth.actors.asking import redeem_device_asking
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
    parse_user_code,
    shard_key,
    show_user_code,
    user_code_hash,
)
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.grant_types import DEVICE_CODE
from actor_oauth.oauth.grants import parse_grant_id
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.question_lifecycle import Answer, QuestionState
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redeem_code import CodeRequest
from actor_oauth.oauth.scopes import Scope
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """What a person is asked on a device's behalf.

    Attributes:
        client: Who asks; its name is unverified.
        user_code: As the device shows it.
        resource: What for.
        resource_name: The operator's name of the resource, if it has one.
        scopes: Names with the operator's words for them, or None.
    """

    client: Client
    user_code: str
    resource: str
    resource_name: str | None
    scopes: tuple[tuple[str, str | None], ...]


class DeviceAuthorizations:
    """The device authorization endpoint, the person's answer, and the device's polls."""

    def __init__(
        self,
        effects: Effects,
        clients: Clients,
        refusals: Refusals,
        asks: CallbackRunner | None,
    ) -> None:
        self._effects = effects
        self._clients = clients
        self._refusals = refusals
        self._asks = asks

    async def begin(
        self, form: Parameters, authorization: str | None
    ) -> DeviceResponse | WireError:
        """Answer a device that wants to be let in (D-50)."""
        answer = await self._begin(form, authorization)
        if isinstance(answer, Refused):
            return self._refusals.tell(
                answer,
                "device_authorization",
                form,
                header_used=authorization is not None,
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
        if self._asks is not None:
            answer = await redeem_device_asking(
                self._asks, effects, owner, request, ready.grant_number
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

    async def describe(self, user_code: str) -> DeviceView | None:
        """What to ask the person who typed a code; None if it leads to nothing."""
        found = await self._find(user_code)
        client = found and await self._clients.lookup(found[1].request.client_id)
        if found is None or client is None:
            return None
        code, device = found
        policy = self._effects.policy
        names = {item.identifier: item.name for item in policy.resources}
        descriptions = dict(policy.scope_descriptions)
        return DeviceView(
            client=client,
            user_code=show_user_code(code),
            resource=device.request.resource,
            resource_name=names.get(device.request.resource),
            scopes=tuple(
                (name, descriptions.get(name)) for name in device.request.scope
            ),
        )

    async def approve(
        self,
        user_code: str,
        *,
        user_id: str,
        browser: str,
        scope: Scope,
        auth_time: int | None = None,
    ) -> bool:
        """Let the device in for a signed-in user, with a part or all of what it asked.

        The grant begins first, and then the answer decides whether it is the one: so
        whatever ends the user's grants ends it, from the moment of the answer on.

        Returns:
            Whether this answer counts; False if there was one before, or it is too late.
        """
        found = await self._find(user_code)
        if found is None:
            return False
        code, device = found
        user_key = self._effects.user_key(user_id)
        epoch = await self._clients.enlist(device.request.client_id, user_key)
        if isinstance(epoch, Refused):
            return False
        effects = self._effects
        user = effects.system.get(UserActor, user_key)
        begun = await user.authorize_device(
            device,
            Approval(scope=scope, client_epoch=epoch, auth_time=auth_time),
            user_id=user_id,
            browser=browser,
            policy=effects.policy,
            fresh=effects.fresh(),
            now=effects.now(),
        )
        if isinstance(begun, Refused):
            return False
        counts = await self._answer(
            code,
            Answer.APPROVE,
            user_key=user_key,
            grant_number=parse_grant_id(begun),
        )
        if not counts:
            await user.revoke_grant(begun, now=effects.now())
        return counts

    async def deny(self, user_code: str) -> bool:
        """Turn the device away; whether this answer counts."""
        code = parse_user_code(user_code)
        return code is not None and await self._answer(code, Answer.DENY)

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

    async def _find(self, user_code: str) -> tuple[str, DeviceAuthorization] | None:
        code = parse_user_code(user_code)
        if code is None:
            return None
        device = await self._shard(code).pending(
            self._hash(code), now=self._effects.now()
        )
        return None if device is None else (code, device)

    async def _answer(
        self,
        code: str,
        answer: Answer,
        *,
        user_key: str | None = None,
        grant_number: int | None = None,
    ) -> bool:
        return await self._shard(code).answer(
            self._hash(code),
            answer,
            user_key=user_key,
            grant_number=grant_number,
            now=self._effects.now(),
        )

    def _shard(self, code: str) -> DeviceActor:
        return self._effects.system.get(DeviceActor, shard_key(self._hash(code)))

    def _hash(self, code: str) -> bytes:
        return user_code_hash(self._effects.keyring, code)
