"""`ResourceServer`: the role that accepts tokens for one resource (RFC 9728, RFC 6750).

It is joined to the authorization server by one function, `validate_token`: a method
call in the same process, or a question over the network in another one.
"""

from collections.abc import Iterable, Mapping, Sequence

from actor_oauth.oauth.metadata import (
    PROTECTED_RESOURCE,
    protected_resource_metadata,
    well_known_url,
)
from actor_oauth.oauth.policy import ResourcePolicy
from actor_oauth.oauth.tokens import AccessTokenInfo
from actor_oauth.resource.admission import OnRefusal, Protection
from actor_oauth.resource.answers import Answer, challenge_answer
from actor_oauth.resource.asgi import ASGIApp
from actor_oauth.resource.cors import preflight_headers
from actor_oauth.resource.guard import (
    AcceptProof,
    BearerGuard,
    ProofNonces,
    ValidateToken,
)
from actor_oauth.resource.metadata_app import MetadataApp
from actor_oauth.resource.origins import origin_rules
from actor_oauth.runtime import Clock

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class ResourceServer:
    """One protected resource: its guard, its metadata document and its challenges.

    Attributes:
        resource: What is protected.
        issuer: Identifier of the authorization server whose tokens it accepts.
        validate_token: How it asks about one.
        metadata_url: Where clients look for the metadata document (A-10).
        metadata: The members of that document (A-11).

    Args:
        resource: What is protected.
        issuer: Identifier of the authorization server whose tokens it accepts.
        validate_token: Asks the authorization server about a token, every time.
        implied_scopes: What a scope includes besides itself, as `{"admin": ("mcp",)}`;
            what the resource says if not given.
        allowed_origins: Origins of pages that may call; see `origin_rules`.
        allowed_methods: The verbs that a browser's preflight is told.
        clock: Tells when tokens expire while a stream is open.
        accept_proof: Remembers DPoP proofs; see `BearerGuard`.
        proof_nonces: What DPoP proofs must hold; see `BearerGuard`.
        on_refusal: Hears of every refusal; must not wait.
    """

    def __init__(
        self,
        resource: ResourcePolicy,
        *,
        issuer: str,
        validate_token: ValidateToken,
        implied_scopes: Mapping[str, tuple[str, ...]] | None = None,
        allowed_origins: Iterable[str] | None = None,
        allowed_methods: Sequence[str] = _METHODS,
        clock: Clock | None = None,
        accept_proof: AcceptProof | None = None,
        proof_nonces: ProofNonces | None = None,
        on_refusal: OnRefusal | None = None,
    ) -> None:
        self.resource = resource
        self.metadata_url = well_known_url(PROTECTED_RESOURCE, resource.identifier)
        self.metadata = protected_resource_metadata(resource, issuer)
        self.validate_token = validate_token
        self.issuer = issuer
        implied = resource.implied_scopes if implied_scopes is None else implied_scopes
        self._implied = dict(implied)
        self._origins = origin_rules(resource.identifier, allowed_origins)
        self._preflight = preflight_headers(allowed_methods)
        self._clock = clock
        self._accept_proof = accept_proof
        self._proof_nonces = proof_nonces
        self._on_refusal = on_refusal

    def guard(
        self, app: ASGIApp, *, required_scopes: Sequence[str] | None = None
    ) -> BearerGuard:
        """Protect an ASGI application.

        Args:
            app: Sees only requests with a good token; finds what the token is good for
                in `scope["actor_oauth.token"]`.
            required_scopes: Without all of which a request is answered 403; those that
                the resource requires if not given.

        Raises:
            ValueError: A scope cannot stand in a challenge.
        """
        return BearerGuard(
            app,
            protection=self._protection(required_scopes),
            validate_token=self.validate_token,
            clock=self._clock,
            accept_proof=self._accept_proof,
            proof_nonces=self._proof_nonces,
        )

    def metadata_app(self) -> ASGIApp:
        """The metadata document as an ASGI application, to serve at `metadata_url`.

        The authorization server serves it already where both roles share an origin.
        """
        return MetadataApp(self.metadata)

    def insufficient_scope(
        self, *scopes: str, token: AccessTokenInfo | None = None
    ) -> Answer:
        """The 403 for an operation that needs more than the guard requires.

        It names all scopes that the operation needs, also those already granted, with
        those that the resource requires of everybody: clients ask for exactly what the
        challenge names (G-08). Behind the guard `require_scopes` also decides whether it
        is due.

        Args:
            *scopes: Those of the operation.
            token: What the caller's token is good for, if that is known.
        """
        protection = self._protection(None)
        wanted = tuple(dict.fromkeys((*protection.required, *scopes)))
        bound = token is not None and token.jkt is not None
        answer = challenge_answer(protection.insufficient_scope(wanted, bound=bound))
        return protection.note(
            answer, client_id=None if token is None else token.client_id
        )

    def _protection(self, required: Sequence[str] | None) -> Protection:
        needed = self.resource.needed_scopes if required is None else tuple(required)
        return Protection(
            resource=self.resource.identifier,
            metadata_url=self.metadata_url,
            # Who asks for the baseline must not be refused for want of a scope.
            baseline=tuple(dict.fromkeys((*self.resource.baseline, *needed))),
            required=needed,
            implied=self._implied,
            origins=self._origins,
            preflight=self._preflight,
            on_refusal=self._on_refusal,
        )
