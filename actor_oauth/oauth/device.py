"""Device authorization: a device without a browser asks, a user answers elsewhere.

The device holds a *device code* and polls with it; the user types the *user code*. Both
lead to one record, owned by one actor, so that approving, denying and polling are
consecutive turns. The grant itself belongs to the user, and begins on approval. It is
redeemed with the device code, in a turn of the user's actor: the first poll gets the
tokens, and no other one does (RFC 8628).

Rule 1: a record changes state through `decide_device_answer` or not at all.
Rule 2: what another client asks about a device code has no effect, not even on its pace.
"""

import hmac
from dataclasses import dataclass, field, replace
from typing import Final

from actor_oauth.oauth.authorization_request import AuthorizationRequest, decide_scope
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.grants import Grant, GrantState, is_final, refusal_of_final
from actor_oauth.oauth.issue_code import IssuedCode
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.openid import find_target
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.question_lifecycle import Answer, QuestionState, after
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redeem_code import CodeRequest, Redemption, redeem_grant
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import token_hash

USER_CODE_ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""Without vowels no code is a word, and no letter looks like a digit (RFC 8628 §6.1)."""

USER_CODE_LENGTH: Final = 8
INTERVAL: Final = 5
"""Seconds that a device waits between two polls, and that each `slow_down` adds."""

SHARDS: Final = 64
"""Actors that device authorizations are spread over."""

KEPT_AFTER_EXPIRY: Final = 600
"""Seconds for which a device can still learn that its code has expired."""

# The largest multiple of the alphabet's size in a byte: what is above would make the first
# letters likelier than the last.
_FAIR: Final = 256 - 256 % len(USER_CODE_ALPHABET)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRequest:
    """What a device asks for.

    Attributes:
        client_id: The requesting client.
        scope: What may be granted of what was asked.
        resource: The identifier of the resource, as configured.
    """

    client_id: str
    scope: Scope
    resource: str

    def as_authorization(self) -> AuthorizationRequest:
        """Give it as a request without a redirect and without a challenge."""
        return AuthorizationRequest(
            client_id=self.client_id,
            redirect_uri="",
            redirect_uri_sent=None,
            state=None,
            scope=self.scope,
            resource=self.resource,
            code_challenge="",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAuthorization:
    """A record.

    Attributes:
        request: What is asked for.
        device_hash: Of the device code.
        state: Where it stands.
        expires_at: In Unix seconds.
        interval: Seconds between two polls.
        polled_at: When the device last polled; 0 if it never did.
        user_key: Of the user who approved; None before.
        grant_number: Of the grant that began with that; None before.
    """

    request: DeviceRequest
    device_hash: bytes = field(repr=False)
    state: QuestionState
    expires_at: int
    interval: int = INTERVAL
    polled_at: int = 0
    user_key: str | None = None
    grant_number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Nobody has answered yet: a refusal that is counted.

    Attributes:
        refused: The answer to the device.
        interval: From now on.
    """

    refused: Refused
    interval: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The user approved: the grant can be redeemed.

    Attributes:
        user_key: Whose grant it is.
        grant_number: The number of the grant at that user.
    """

    user_key: str
    grant_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceResponse:
    """What the device is answered (RFC 8628 §3.2).

    Attributes:
        device_code: To poll with.
        user_code: To show to the person.
        verification_uri: Where to send the person.
        expires_in: Seconds.
    """

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    expires_in: int

    def to_json(self) -> dict[str, Json]:
        """Give the members of the answer's JSON object (D-50)."""
        return {
            "device_code": self.device_code,
            "user_code": self.user_code,
            "verification_uri": self.verification_uri,
            "verification_uri_complete": (
                f"{self.verification_uri}?user_code={self.user_code}"
            ),
            "expires_in": self.expires_in,
            "interval": INTERVAL,
        }


def draw_user_code(random: bytes) -> str:
    """Make a user code, each letter as likely as any other.

    Args:
        random: 64 fresh random bytes: enough but for one time in 10^30.

    Raises:
        ValueError: They were not enough.
    """
    letters = [
        USER_CODE_ALPHABET[b % len(USER_CODE_ALPHABET)] for b in random if b < _FAIR
    ]
    if len(letters) < USER_CODE_LENGTH:
        raise ValueError("a user code takes more random bytes")
    return "".join(letters[:USER_CODE_LENGTH])


def show_user_code(code: str) -> str:
    """Give a user code as people read it: `BCDF-GHJK`."""
    return f"{code[:4]}-{code[4:]}"


def parse_user_code(text: str) -> str | None:
    """Read what a person typed, in any case and with anything between the letters (D-52).

    Returns:
        None if it is no user code.
    """
    if len(text) > 64:
        return None
    code = "".join(letter for letter in text.upper() if letter.isalnum())
    is_one = len(code) == USER_CODE_LENGTH and set(code) <= set(USER_CODE_ALPHABET)
    return code if is_one else None


def user_code_hash(keyring: Keyring, code: str) -> bytes:
    """Give the stored form of a user code: keyed, for it is short enough to be tried."""
    return hmac.digest(keyring.address_key, b"user code\0" + code.encode(), "sha256")


def shard_key(code_hash: bytes) -> str:
    """Give the key of the actor that owns a user code, and all that belongs to it."""
    return shard_name(code_hash[0] % SHARDS)


def shard_name(number: int) -> str:
    """Give the key of one of the `SHARDS` actors."""
    return f"{number:032x}"


def decide_device_request(
    client: Client, *, scope: str | None, resources: tuple[str, ...], policy: Policy
) -> DeviceRequest | Refused:
    """Decide whether a device's request may be put to a person.

    Source: RFC 8628 §3.1 (D-50, C-08, C-09).
    """
    resource = find_target(resources, scope, policy)
    if resource is None:
        return Refused(Reason.RESOURCE_UNKNOWN)
    decided = decide_scope(scope, client, resource, policy)
    if isinstance(decided, Reason):
        return Refused(decided)
    return DeviceRequest(
        client_id=client.client_id, scope=decided, resource=resource.identifier
    )


def decide_device_answer(
    device: DeviceAuthorization | None, answer: Answer, *, now: int
) -> QuestionState | None:
    """Give the state after an answer; None if the answer does not count any more."""
    if device is None or now >= device.expires_at:
        return None
    return after(device.state, answer)


def decide_poll(
    device: DeviceAuthorization | None, *, client_id: str, now: int
) -> Waiting | Ready | Refused:
    """Decide how a poll of a device is answered.

    Args:
        device: What the device code names, or None if it names nothing.
        client_id: Who authenticated.
        now: The time of the turn.

    Source: RFC 8628 §3.4, §3.5 (D-51).
    """
    if device is None or device.request.client_id != client_id:
        return Refused(Reason.DEVICE_CODE_UNKNOWN)
    if now >= device.expires_at:
        return Refused(Reason.DEVICE_CODE_EXPIRED)
    if device.state is QuestionState.DENIED:
        return Refused(Reason.DEVICE_DENIED)
    if device.user_key is not None and device.grant_number is not None:
        return Ready(user_key=device.user_key, grant_number=device.grant_number)
    if now < device.polled_at + device.interval:
        return Waiting(
            refused=Refused(Reason.DEVICE_TOO_FAST), interval=device.interval + INTERVAL
        )
    return Waiting(refused=Refused(Reason.DEVICE_PENDING), interval=device.interval)


def for_device(issued: IssuedCode, device_hash: bytes, expires_at: int) -> IssuedCode:
    """Make a grant that begins one that only this device code redeems."""
    grant = issued.grant
    return replace(
        issued,
        grant=replace(
            grant,
            code_hash=device_hash,
            deadline=min(expires_at, grant.expires_at),
            supersedes=False,
        ),
    )


def decide_device_redemption(
    request: CodeRequest, grant: Grant | None, *, policy: Policy, fresh: bytes, now: int
) -> Redemption | Refused:
    """Decide what presenting a device code does to the grant that it was approved for.

    A second time it is refused, and ends nothing: a device that polls twice at once is no
    thief (D-53).

    Args:
        request: With the device code in the place of the code.
        grant: The grant that was approved, or None if it is forgotten.
        policy: What the operator decided.
        fresh: Random bytes for this decision.
        now: The time of the turn.
    """
    if grant is None or not hmac.compare_digest(
        token_hash(request.code), grant.code_hash
    ):
        return Refused(Reason.DEVICE_CODE_UNKNOWN)
    if request.client.client_id != grant.client_id:
        return Refused(Reason.DEVICE_CODE_UNKNOWN)
    if is_final(grant.state):
        return refusal_of_final(grant.state)
    if grant.state is not GrantState.AUTHORIZED:
        return Refused(Reason.DEVICE_CODE_SPENT)
    if grant.is_over(now):
        return Refused(Reason.DEVICE_CODE_EXPIRED)
    return redeem_grant(request, grant, policy=policy, fresh=fresh, now=now)
