"""The server's own keys: what is derived from them, and how they are exchanged.

A keyring holds one secret per key id, of which one is current, and the address key.

Rule 1: no secret is used as it stands. `derive` gives a key per purpose (HKDF), so that
what one purpose reveals tells nothing about another.
Rule 2: whatever was made with a key names that key's id, so that a new current key does
not break what the old one made. An old key may go once its last product has expired.
Rule 3: the address key never changes: it decides which actor a user's data is in.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from actor_oauth.oauth.signing_keys import (
    SigningAlgorithm,
    SigningKey,
    choose_key,
    parse_algorithm,
    to_record,
)

KEY_LENGTH: Final = 32
NONCE_LENGTH: Final = 12

_FILE_VERSION: Final = 1
_SEAL_VERSION: Final = 1


class UnknownKeyringVersionError(ValueError):
    """A keyring file of another version than this program knows."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """The server's secrets, by key id.

    Attributes:
        current: The id of the key that new things are made with.
        secrets: 32 bytes by key id. Ids are 1 to 255 bytes of UTF-8.
        address_key: 32 bytes that turn a user id into the key of that user's actor.
        signing_keys: What access tokens are signed with; may be none.
        active_from: From when on a secret is to be the current one, in Unix seconds, by
            key id; from the beginning if it is not named. See `as_of`.

    Raises:
        ValueError: If the current key is missing or a key or id has a wrong length.
    """

    current: str
    secrets: Mapping[str, bytes] = field(repr=False)
    address_key: bytes = field(repr=False)
    signing_keys: tuple[SigningKey, ...] = ()
    active_from: Mapping[str, int] = field(default_factory=dict)
    _derived: dict[tuple[str, str], bytes] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if self.current not in self.secrets:
            raise ValueError("the keyring's current key is not in it")
        keys = [self.address_key, *self.secrets.values()]
        if any(len(key) != KEY_LENGTH for key in keys):
            raise ValueError("a key of the keyring has the wrong length")
        if not all(1 <= len(kid.encode()) <= 255 for kid in self.secrets):
            raise ValueError("a key id has 1 to 255 bytes")

    def __contains__(self, kid: str) -> bool:
        return kid in self.secrets

    @property
    def address_print(self) -> str:
        """What tells keyrings of different servers apart, and reveals nothing.

        It stays the same for as long as the data directory does.
        """
        print_of = b"actor_oauth address key\0" + self.address_key
        return hashlib.sha256(print_of).hexdigest()[:32]

    def derive(self, kid: str, purpose: str) -> bytes:
        """Give the 32-byte key of one purpose.

        Raises:
            KeyError: The key id is unknown.

        Source: RFC 5869.
        """
        key = self._derived.get((kid, purpose))
        if key is None:
            info = b"actor_oauth keyring\0" + purpose.encode()
            key = HKDF(SHA256(), KEY_LENGTH, None, info).derive(self.secrets[kid])
            self._derived[kid, purpose] = key
        return key

    def seal(self, purpose: str, plaintext: bytes, *, nonce: bytes) -> bytes:
        """Encrypt and authenticate something that leaves the server and comes back.

        Args:
            purpose: What it is; nothing sealed for one purpose opens as another.
            plaintext: What to hide.
            nonce: 12 fresh random bytes. One key must not see the same ones twice.
        """
        kid = self.current.encode()
        header = bytes((_SEAL_VERSION, len(kid))) + kid + nonce
        cipher = AESGCM(self.derive(self.current, f"seal {purpose}"))
        return header + cipher.encrypt(nonce, plaintext, header)

    def unseal(self, purpose: str, sealed: bytes) -> bytes | None:
        """Open what `seal` made.

        Args:
            purpose: What it was sealed as.
            sealed: Anything at all.

        Returns:
            None if it was not made here for this purpose, or its key was dropped.
        """
        if len(sealed) < 2 or sealed[0] != _SEAL_VERSION:
            return None
        end = 2 + sealed[1] + NONCE_LENGTH
        header, body = sealed[:end], sealed[end:]
        kid = header[2 : 2 + sealed[1]].decode(errors="replace")
        if len(header) != end or kid not in self.secrets:
            return None
        cipher = AESGCM(self.derive(kid, f"seal {purpose}"))
        try:
            return cipher.decrypt(header[-NONCE_LENGTH:], body, header)
        except InvalidTag:
            return None

    def signing_key(self, algorithm: SigningAlgorithm, *, at: int) -> SigningKey | None:
        """Give the key that signs what is issued at a time, or None."""
        return choose_key(self.signing_keys, algorithm, at=at)

    def signing_key_named(self, kid: str) -> SigningKey | None:
        """Give the signing key of this name, or None."""
        return next((key for key in self.signing_keys if key.kid == kid), None)

    def with_signing_keys(self, keys: Iterable[SigningKey]) -> "Keyring":
        """Give a keyring with these signing keys in place of those it has."""
        return replace(self, signing_keys=tuple(keys))

    def with_current(self, kid: str, secret: bytes) -> "Keyring":
        """Give a keyring whose new current key is this one; the old keys stay."""
        if kid in self.secrets:
            raise ValueError("this key id is already in the keyring")
        return replace(self, current=kid, secrets={**self.secrets, kid: secret})

    def with_next(self, kid: str, secret: bytes, *, active_from: int) -> "Keyring":
        """Give a keyring with a secret that becomes the current one later.

        By then every process knows it: one that did not could open nothing that the
        others make with it.

        Args:
            kid: A fresh id.
            secret: 32 fresh random bytes.
            active_from: When, in Unix seconds.

        Raises:
            ValueError: If there is such an id, or a secret has a wrong length.
        """
        if kid in self.secrets:
            raise ValueError("this key id is already in the keyring")
        return replace(
            self,
            secrets={**self.secrets, kid: secret},
            active_from={**self.active_from, kid: active_from},
        )

    def as_of(self, now: int) -> "Keyring":
        """Give the keyring whose current secret is the newest that is active by now."""
        due = [kid for kid in self.secrets if self._since(kid) <= now]
        newest = max(due, key=self._since, default=self.current)
        if self._since(newest) <= self._since(self.current):
            return self
        return replace(self, current=newest)

    def without_retired(self, *, now: int, kept_for: int) -> "Keyring":
        """Give a keyring without the secrets whose last product has expired.

        Args:
            now: In Unix seconds.
            kept_for: Seconds for which anything made with a secret may live.
        """
        keyring = self.as_of(now)
        ended = self._since(keyring.current) + kept_for <= now
        since = self._since(keyring.current)
        for kid in self.secrets:
            if ended and self._since(kid) < since:
                keyring = keyring.without(kid)
        return keyring

    def _since(self, kid: str) -> int:
        return self.active_from.get(kid, 0)

    def without(self, kid: str) -> "Keyring":
        """Give a keyring without an old key: nothing made with it opens any more."""
        rest = {name: secret for name, secret in self.secrets.items() if name != kid}
        times = {name: time for name, time in self.active_from.items() if name != kid}
        return replace(self, secrets=rest, active_from=times)

    def to_json(self) -> str:
        """Give the text of a keyring file. It is as secret as the keys are."""
        record = {
            "version": _FILE_VERSION,
            "current": self.current,
            "keys": {kid: _encode(secret) for kid, secret in self.secrets.items()},
            "address_key": _encode(self.address_key),
            "signing_keys": [to_record(key) for key in self.signing_keys],
            "active_from": dict(self.active_from),
        }
        return json.dumps(record, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Keyring":
        """Read the text of a keyring file.

        Raises:
            UnknownKeyringVersionError: A later version of this program wrote it.
            ValueError: If it is not one. The message repeats nothing of the file.
        """
        try:
            record = json.loads(text)
            version, current, keys = (
                record["version"],
                str(record["current"]),
                {str(kid): _decode(secret) for kid, secret in record["keys"].items()},
            )
            address_key = _decode(record["address_key"])
            # Files from before there were any lack the member.
            signing_keys = tuple(map(_signing_key, record.get("signing_keys", ())))
            times = record.get("active_from", {}).items()
            active_from = {str(kid): int(time) for kid, time in times}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise ValueError("this is not a keyring file") from None
        if version != _FILE_VERSION:
            raise UnknownKeyringVersionError("a keyring file of another version")
        return cls(current, keys, address_key, signing_keys, active_from)


def new_keyring(*, secret: bytes, address_key: bytes, kid: str) -> Keyring:
    """Make a keyring of one key.

    Args:
        secret: 32 fresh random bytes.
        address_key: 32 other fresh random bytes.
        kid: The id of the key.
    """
    return Keyring(kid, {kid: secret}, address_key)


def user_key(keyring: Keyring, user_id: str) -> str:
    """Give the key of a user's actor: 32 hexadecimal digits.

    Tokens carry it, so it must not tell who the user is: without the address key nobody
    can test a guess (K-04).
    """
    data = b"user\0" + user_id.encode()
    return hmac.digest(keyring.address_key, data, "sha256")[:16].hex()


def identity_key(keyring: Keyring, issuer: str, subject: str) -> str:
    """Give the actor key of a user at another service: 32 hexadecimal digits."""
    data = b"identity\0" + issuer.encode() + b"\0" + subject.encode()
    return hmac.digest(keyring.address_key, data, "sha256")[:16].hex()


def client_key(client_id: str) -> str:
    """Give the key of a client's actor: 32 hexadecimal digits.

    Client ids are public, so no secret is needed.
    """
    return hashlib.sha256(b"client\0" + client_id.encode()).digest()[:16].hex()


def _signing_key(record: Mapping[str, str | int]) -> SigningKey:
    return SigningKey(
        kid=str(record["kid"]),
        algorithm=parse_algorithm(str(record["alg"])),
        active_from=int(record["active_from"]),
        private_der=_decode(str(record["private"])),
    )


def _encode(key: bytes) -> str:
    return urlsafe_b64encode(key).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
