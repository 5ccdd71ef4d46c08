"""Devices without a browser: the question to the user who enters a code (RFC 8628).

`user_id` and `browser` are as in `consent_methods`. An application with pages of its own
serves `/device` below the issuer: that is where devices send people.
"""

from actor_oauth.actors.authorization_server.parts import ServerParts
from actor_oauth.actors.device_authorizations import DeviceAuthorizations
from actor_oauth.actors.device_questions import DeviceView, TooManyAttempts
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.scopes import Scope


class DeviceMethods(ServerParts):
    """Part of `AuthorizationServer`."""

    @property
    def devices(self) -> DeviceAuthorizations:
        """The devices' side: asking to be let in, and polling."""
        return self._token_endpoint.devices

    async def find_device(
        self, user_code: str, *, user_id: str, browser: str
    ) -> DeviceView | TooManyAttempts | None:
        """Find the question for a user who entered a code.

        A link may bring the code along, to be filled in. It is looked for only once the
        person has pressed a button: following a link must not ask anything.

        Args:
            user_code: As it was typed, in any case and with anything between the letters.
            user_id: Who typed it, and is signed in.
            browser: Where.

        Returns:
            None if no such code is waiting for an answer. TooManyAttempts limits each
            user; an application should limit addresses too.

        Raises:
            ValueError: If the user's name is not acceptable, or `browser` has less than
                20 characters.
        """
        return await self._device_questions.find(
            user_code, user_id=user_id, browser=browser
        )

    async def describe_device(
        self, handle: str, *, user_id: str, browser: str | None
    ) -> DeviceView | None:
        """Give the question of a `find_device` handle; None if it cannot be answered."""
        return await self._device_questions.describe(
            handle, user_id=user_id, browser=browser
        )

    async def approve_device(
        self,
        handle: str,
        *,
        user_id: str,
        browser: str | None,
        scope: Scope | None = None,
        auth_time: int | None = None,
        metadata: Json = None,
        props: Json = None,
    ) -> bool:
        """Approve a device's request.

        Args:
            handle: From `find_device`.
            user_id: Who says so.
            browser: Where.
            scope: What is allowed, at most what was asked; None for all.
            auth_time: As for `begin_consent`.
            metadata: As for `complete_authorization`.
            props: As for `complete_authorization`.

        Returns:
            Whether this answer counts: of several the first does.

        Raises:
            ValueError: If the metadata or the props are not acceptable.
        """
        return await self._device_questions.approve(
            handle,
            user_id=user_id,
            browser=browser,
            scope=scope,
            auth_time=auth_time,
            metadata=metadata,
            props=props,
        )

    async def deny_device(
        self, handle: str, *, user_id: str, browser: str | None
    ) -> bool:
        """Deny a device's request; returns whether this answer counts."""
        return await self._device_questions.deny(
            handle, user_id=user_id, browser=browser
        )
