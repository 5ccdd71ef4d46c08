"""The person's side of device authorizations: finding a code, and answering (RFC 8628).

A user who enters a code gets a handle with the question: it is valid for this user in
this browser, until the code expires. So nobody can answer for a code without having
seen what it is about, and no other page can answer for them (D-52). The device's own
actor accepts one answer (M-14).
"""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Final

from actor_oauth.actors.accounts import check_asked_user
from actor_oauth.actors.browser_secrets import check_browser
from actor_oauth.actors.clients import Clients
from actor_oauth.actors.device import DeviceActor
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.sealed_text import seal_text, unseal_text
from actor_oauth.actors.throttle import Rate, TokenBuckets
from actor_oauth.actors.user import UserActor
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.device import (
    DeviceAuthorization,
    parse_user_code,
    shard_key,
    show_user_code,
    user_code_hash,
)
from actor_oauth.oauth.grants import GrantEvent, parse_grant_id
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.openid import resource_names, scope_descriptions
from actor_oauth.oauth.question_lifecycle import Answer
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.scopes import Scope

ATTEMPTS: Final = Rate(burst=10, interval=30.0)
"""Codes that a user may enter: they are short, and must not be guessed (D-52)."""

_PURPOSE: Final = "device question"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """What a user is asked on a device's behalf.

    Attributes:
        handle: To answer with; fit for a hidden field.
        client: The requesting client; its name is unverified, and must be escaped.
        user_code: As the device shows it. The page asks the person to compare it.
        resource: What for.
        resource_name: The operator's name of the resource, if it has one.
        scopes: Names with the operator's words for them, or None.
    """

    handle: str = field(repr=False)
    client: Client
    user_code: str
    resource: str
    resource_name: str | None
    scopes: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyAttempts:
    """This user has entered too many wrong codes.

    Attributes:
        retry_after: Seconds until another may be typed.
    """

    retry_after: int


class DeviceQuestions:
    """Shows devices' requests to users, and takes their answers."""

    def __init__(self, effects: Effects, clients: Clients) -> None:
        self._effects = effects
        self._clients = clients
        self._attempts = TokenBuckets(ATTEMPTS)

    async def find(
        self, user_code: str, *, user_id: str, browser: str
    ) -> DeviceView | TooManyAttempts | None:
        """What to ask the person who typed a code; None if it leads to nothing.

        Raises:
            ValueError: If the user's name is not acceptable, or `browser` too short.
        """
        check_asked_user(self._effects, user_id, browser)
        check_browser(browser)
        seconds = self._attempts.take(user_id, now=self._effects.now())
        if seconds:
            return TooManyAttempts(retry_after=seconds)
        code = parse_user_code(user_code)
        device = None if code is None else await self._pending(code)
        if code is None or device is None:
            return None
        return await self._view(code, device, user_id, browser)

    async def describe(
        self, handle: str, *, user_id: str, browser: str | None
    ) -> DeviceView | None:
        """What a handle is about, once more; None if it cannot be answered any more."""
        code = self._open(handle, user_id, browser)
        device = None if code is None else await self._pending(code)
        if code is None or device is None:
            return None
        return await self._view(code, device, user_id, browser or "")

    async def approve(
        self,
        handle: str,
        *,
        user_id: str,
        browser: str | None,
        scope: Scope | None,
        auth_time: int | None,
        metadata: Json,
        props: Json,
    ) -> bool:
        """Let the device in for a signed-in user, with a part or all of what it asked.

        The grant begins first, and then the answer decides whether it is the one: so
        whatever ends the user's grants ends it, from the moment of the answer on.

        Returns:
            Whether this answer counts; False if there was one before, or it is too late.

        Raises:
            ValueError: If the metadata or the props are not acceptable.
        """
        code = self._open(handle, user_id, browser)
        device = None if code is None else await self._pending(code)
        if code is None or device is None:
            return False
        effects = self._effects
        user_key = effects.user_key(user_id)
        granted = device.request.scope if scope is None else scope
        epoch = await self._clients.enlist(
            device.request.client_id, user_key, granted=granted
        )
        if isinstance(epoch, Refused):
            return False
        user = effects.system.get(UserActor, user_key)
        begun = await user.authorize_device(
            device,
            Approval(
                scope=granted,
                client_epoch=epoch,
                auth_time=auth_time,
                metadata=metadata,
                props=props,
            ),
            user_id=user_id,
            browser=browser or "",
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
            # Not by the user: nothing that is remembered of the client ends with it.
            await user.revoke_grant(
                begun, now=effects.now(), reason=GrantEvent.SUPERSEDED
            )
        return counts

    async def deny(self, handle: str, *, user_id: str, browser: str | None) -> bool:
        """Deny a device's request; returns whether this answer counts."""
        code = self._open(handle, user_id, browser)
        return code is not None and await self._answer(code, Answer.DENY)

    async def _view(
        self, code: str, device: DeviceAuthorization, user_id: str, browser: str
    ) -> DeviceView | None:
        client = await self._clients.lookup(device.request.client_id)
        if client is None:
            return None
        policy = self._effects.policy
        descriptions, names = scope_descriptions(policy), resource_names(policy)
        record = [code, user_id, _hash(browser), device.expires_at]
        return DeviceView(
            handle=seal_text(self._effects, _PURPOSE, json.dumps(record).encode()),
            client=client,
            user_code=show_user_code(code),
            resource=device.request.resource,
            resource_name=names.get(device.request.resource),
            scopes=tuple(
                (name, descriptions.get(name)) for name in device.request.scope
            ),
        )

    def _open(self, handle: str, user_id: str, browser: str | None) -> str | None:
        """The code that a handle is for, if it is this user's in this browser."""
        plain = unseal_text(self._effects, _PURPOSE, handle)
        if plain is None:
            return None
        code, owner, browser_hash, expires_at = json.loads(plain)
        mine = owner == user_id and hmac.compare_digest(
            browser_hash, _hash(browser or "")
        )
        return str(code) if mine and self._effects.now() < expires_at else None

    async def _pending(self, code: str) -> DeviceAuthorization | None:
        return await self._shard(code).pending(
            self._code_hash(code), now=self._effects.now()
        )

    async def _answer(
        self,
        code: str,
        answer: Answer,
        *,
        user_key: str | None = None,
        grant_number: int | None = None,
    ) -> bool:
        return await self._shard(code).answer(
            self._code_hash(code),
            answer,
            user_key=user_key,
            grant_number=grant_number,
            now=self._effects.now(),
        )

    def _shard(self, code: str) -> DeviceActor:
        return self._effects.system.get(DeviceActor, shard_key(self._code_hash(code)))

    def _code_hash(self, code: str) -> bytes:
        return user_code_hash(self._effects.keyring, code)


def _hash(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()
