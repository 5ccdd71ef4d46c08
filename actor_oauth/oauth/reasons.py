"""Why something was refused, as the operator's log names it.

A `Reason` is rich and stable: it is logged and asserted by tests. Every reason carries
the `Category` that the client is told, so no reason can exist without an answer on the
wire.

Rule 1: reasons that an attacker could tell apart to learn something (is there such a
client, was that code ever real) have no text of their own: they say what their
category says.
Rule 2: texts are constants. Nothing a client sent is ever repeated in one.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from actor_oauth.oauth.categories import Category


class Reason(StrEnum):
    """Why something was refused, as the operator's log names it.

    Attributes:
        category: What the client is told.
        description: A text for the client where a better one than the category's
            helps a developer and tells an attacker nothing.
    """

    category: Category
    description: str

    def __new__(cls, value: str, category: Category, description: str = "") -> Self:
        """Make a member whose value is its name in the log."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.category = category
        member.description = description or category.description
        return member

    # Requests as such
    FORM_TOO_LARGE = "form_too_large", Category.TOO_LARGE
    FORM_MALFORMED = (
        "form_malformed",
        Category.INVALID_REQUEST,
        "The form is not valid UTF-8 in application/x-www-form-urlencoded.",
    )
    MEDIA_TYPE_WRONG = (
        "media_type_wrong",
        Category.INVALID_REQUEST,
        "The body must be application/x-www-form-urlencoded.",
    )
    METHOD_NOT_ALLOWED = "method_not_allowed", Category.METHOD_NOT_ALLOWED
    PARAMETER_REPEATED = (
        "parameter_repeated",
        Category.INVALID_REQUEST,
        "A parameter is repeated.",
    )
    PARAMETER_MISSING = (
        "parameter_missing",
        Category.INVALID_REQUEST,
        "A required parameter is missing.",
    )
    TOKEN_MISSING = (
        "token_missing",
        Category.INVALID_REQUEST,
        "The parameter token is missing.",
    )

    # Client authentication: one answer for all, or client ids could be probed (E-08)
    CLIENT_ID_MISSING = "client_id_missing", Category.INVALID_CLIENT
    CLIENT_CREDENTIALS_MALFORMED = (
        "client_credentials_malformed",
        Category.INVALID_CLIENT,
    )
    CLIENT_UNKNOWN = "client_unknown", Category.INVALID_CLIENT
    CLIENT_DISABLED = "client_disabled", Category.INVALID_CLIENT
    CLIENT_SECRET_MISSING = "client_secret_missing", Category.INVALID_CLIENT
    CLIENT_SECRET_WRONG = "client_secret_wrong", Category.INVALID_CLIENT
    CLIENT_SECRET_UNEXPECTED = "client_secret_unexpected", Category.INVALID_CLIENT
    CLIENT_METHOD_WRONG = "client_method_wrong", Category.INVALID_CLIENT
    CLIENT_ASSERTION_MALFORMED = "client_assertion_malformed", Category.INVALID_CLIENT
    CLIENT_ASSERTION_ALGORITHM = "client_assertion_algorithm", Category.INVALID_CLIENT
    CLIENT_ASSERTION_TYPE = "client_assertion_type", Category.INVALID_CLIENT
    CLIENT_ASSERTION_SUBJECT = "client_assertion_subject", Category.INVALID_CLIENT
    CLIENT_ASSERTION_AUDIENCE = "client_assertion_audience", Category.INVALID_CLIENT
    CLIENT_ASSERTION_JTI = "client_assertion_jti", Category.INVALID_CLIENT
    CLIENT_ASSERTION_EXPIRED = "client_assertion_expired", Category.INVALID_CLIENT
    CLIENT_ASSERTION_TOO_LONG = "client_assertion_too_long", Category.INVALID_CLIENT
    CLIENT_ASSERTION_EARLY = "client_assertion_early", Category.INVALID_CLIENT
    CLIENT_ASSERTION_KEY_UNKNOWN = (
        "client_assertion_key_unknown",
        Category.INVALID_CLIENT,
    )
    CLIENT_ASSERTION_SIGNATURE = "client_assertion_signature", Category.INVALID_CLIENT
    CLIENT_ASSERTION_REPLAYED = "client_assertion_replayed", Category.INVALID_CLIENT
    CLIENT_KEYS_UNAVAILABLE = "client_keys_unavailable", Category.INVALID_CLIENT
    CLIENT_ASSERTIONS_TOO_MANY = (
        "client_assertions_too_many",
        Category.TEMPORARILY_UNAVAILABLE,
    )
    CLIENT_METHODS_MIXED = (
        "client_methods_mixed",
        Category.INVALID_REQUEST,
        "The client authenticates in more than one way.",
    )
    CLIENT_ID_MISMATCH = (
        "client_id_mismatch",
        Category.INVALID_REQUEST,
        "The client_id in the body is not the one that authenticates.",
    )
    CLIENT_THROTTLED = "client_throttled", Category.RATE_LIMITED

    # Metadata documents. The client learns nothing of what was fetched (B-17)
    DOCUMENT_RATE_LIMITED = (
        "document_rate_limited",
        Category.TEMPORARILY_UNAVAILABLE,
    )
    DOCUMENT_UNAVAILABLE = "document_unavailable", Category.INVALID_CLIENT
    DOCUMENT_MALFORMED = "document_malformed", Category.INVALID_CLIENT
    DOCUMENT_CLIENT_ID_WRONG = "document_client_id_wrong", Category.INVALID_CLIENT
    DOCUMENT_NAME_MISSING = "document_name_missing", Category.INVALID_CLIENT
    DOCUMENT_HAS_SECRET = "document_has_secret", Category.INVALID_CLIENT
    DOCUMENT_METHOD_INCONSISTENT = (
        "document_method_inconsistent",
        Category.INVALID_CLIENT,
    )

    # Authorization requests
    AUTHORIZE_CLIENT_ID_MISSING = (
        "authorize_client_id_missing",
        Category.INVALID_REQUEST,
        "The client did not say who it is (client_id is missing or repeated).",
    )
    AUTHORIZE_CLIENT_UNKNOWN = (
        "authorize_client_unknown",
        Category.INVALID_REQUEST,
        "This client is not registered here.",
    )
    REDIRECT_URI_MISSING = (
        "redirect_uri_missing",
        Category.INVALID_REQUEST,
        "The redirect_uri is missing or repeated.",
    )
    REDIRECT_URI_UNREGISTERED = (
        "redirect_uri_unregistered",
        Category.INVALID_REQUEST,
        "The redirect_uri is not registered for this client.",
    )
    RESPONSE_TYPE_MISSING = (
        "response_type_missing",
        Category.INVALID_REQUEST,
        "The response_type is missing. Use code.",
    )
    RESPONSE_TYPE_UNSUPPORTED = (
        "response_type_unsupported",
        Category.UNSUPPORTED_RESPONSE_TYPE,
    )
    RESPONSE_TYPE_UNREGISTERED = (
        "response_type_unregistered",
        Category.UNAUTHORIZED_CLIENT,
        "The client is not registered for response_type code.",
    )
    RESPONSE_MODE_UNSUPPORTED = (
        "response_mode_unsupported",
        Category.INVALID_REQUEST,
        "The response_mode is not supported. Use query, or leave it out.",
    )
    CHALLENGE_MISSING = (
        "challenge_missing",
        Category.INVALID_REQUEST,
        "PKCE is required: code_challenge is missing.",
    )
    CHALLENGE_METHOD_UNSUPPORTED = (
        "challenge_method_unsupported",
        Category.INVALID_REQUEST,
        "The code_challenge_method must be S256.",
    )
    CHALLENGE_MALFORMED = (
        "challenge_malformed",
        Category.INVALID_REQUEST,
        "The code_challenge is not one of method S256.",
    )
    STATE_TOO_LONG = (
        "state_too_long",
        Category.INVALID_REQUEST,
        "The state is too long.",
    )
    SCOPE_MALFORMED = (
        "scope_malformed",
        Category.INVALID_SCOPE,
        "The scope is malformed.",
    )
    SCOPE_UNKNOWN = (
        "scope_unknown",
        Category.INVALID_SCOPE,
        "None of the requested scopes can be granted.",
    )
    RESOURCE_UNKNOWN = "resource_unknown", Category.INVALID_TARGET
    REQUEST_OBJECT = "request_object", Category.REQUEST_NOT_SUPPORTED
    REQUEST_URI = "request_uri", Category.REQUEST_URI_NOT_SUPPORTED
    REQUEST_URI_PUSHED = (
        "request_uri_pushed",
        Category.INVALID_REQUEST,
        "A pushed request cannot have a request_uri.",
    )
    REQUEST_URI_UNKNOWN = "request_uri_unknown", Category.INVALID_REQUEST_URI
    REQUEST_URI_EXPIRED = "request_uri_expired", Category.INVALID_REQUEST_URI
    REQUEST_URI_SPENT = "request_uri_spent", Category.INVALID_REQUEST_URI
    PUSH_REQUIRED = (
        "push_required",
        Category.INVALID_REQUEST,
        "Authorization requests must be pushed first (RFC 9126).",
    )
    TOO_MANY_PUSHED = "too_many_pushed", Category.RATE_LIMITED
    USER_DENIED = (
        "user_denied",
        Category.ACCESS_DENIED,
        "The user denied the request.",
    )

    # Registration
    REGISTRATION_DISABLED = (
        "registration_disabled",
        Category.ACCESS_DENIED,
        "Clients cannot register themselves here.",
    )
    INITIAL_TOKEN_INVALID = "initial_token_invalid", Category.INVALID_TOKEN
    REGISTRATION_TOKEN_INVALID = "registration_token_invalid", Category.INVALID_TOKEN
    MANAGEMENT_FORBIDDEN = "management_forbidden", Category.ACCESS_DENIED
    MANAGEMENT_CLIENT_ID = (
        "management_client_id",
        Category.INVALID_CLIENT_METADATA,
        "The client_id is missing, or not the one whose registration this is.",
    )
    MANAGEMENT_MEMBER = (
        "management_member",
        Category.INVALID_CLIENT_METADATA,
        "The client metadata has a member that only the server sets.",
    )
    MANAGEMENT_SECRET = (
        "management_secret",
        Category.INVALID_CLIENT_METADATA,
        "The client_secret is not the current one.",
    )
    REGISTRATION_TOO_LARGE = ("registration_too_large", Category.TOO_LARGE)
    REGISTRATION_MALFORMED = (
        "registration_malformed",
        Category.INVALID_CLIENT_METADATA,
        "The body is not a JSON object.",
    )
    REDIRECT_URIS_MISSING = (
        "redirect_uris_missing",
        Category.INVALID_REDIRECT_URI,
        "The redirect_uris are missing.",
    )
    REDIRECT_URIS_TOO_MANY = (
        "redirect_uris_too_many",
        Category.INVALID_REDIRECT_URI,
        "There are too many redirect_uris.",
    )
    REDIRECT_URI_MALFORMED = (
        "redirect_uri_malformed",
        Category.INVALID_REDIRECT_URI,
        "A redirect URI is not an absolute URI, or has characters that none may have.",
    )
    REDIRECT_URI_TOO_LONG = (
        "redirect_uri_too_long",
        Category.INVALID_REDIRECT_URI,
        "A redirect URI is too long.",
    )
    REDIRECT_URI_SCHEME = (
        "redirect_uri_scheme",
        Category.INVALID_REDIRECT_URI,
        "A redirect URI has a scheme that is not allowed here.",
    )
    REDIRECT_URI_NOT_LOOPBACK = (
        "redirect_uri_not_loopback",
        Category.INVALID_REDIRECT_URI,
        "A redirect URI with http must name localhost, 127.0.0.1 or [::1].",
    )
    REDIRECT_URI_FRAGMENT = (
        "redirect_uri_fragment",
        Category.INVALID_REDIRECT_URI,
        "A redirect URI has a fragment.",
    )
    REDIRECT_URI_USERINFO = (
        "redirect_uri_userinfo",
        Category.INVALID_REDIRECT_URI,
        "A redirect URI has a user name or password.",
    )
    REDIRECT_URI_QUERY = (
        "redirect_uri_query",
        Category.INVALID_REDIRECT_URI,
        "A redirect URI has a query parameter that the response needs.",
    )
    REDIRECT_URI_APPLICATION_TYPE = (
        "redirect_uri_application_type",
        Category.INVALID_REDIRECT_URI,
        "A redirect URI does not fit the application_type.",
    )
    AUTH_METHOD_UNSUPPORTED = (
        "auth_method_unsupported",
        Category.INVALID_CLIENT_METADATA,
        "The token_endpoint_auth_method is not supported.",
    )
    GRANT_TYPES_UNSUPPORTED = (
        "grant_types_unsupported",
        Category.INVALID_CLIENT_METADATA,
        "The grant_types must contain authorization_code.",
    )
    RESPONSE_TYPES_UNSUPPORTED = (
        "response_types_unsupported",
        Category.INVALID_CLIENT_METADATA,
        "The response_types must contain code.",
    )
    METADATA_TYPE_WRONG = (
        "metadata_type_wrong",
        Category.INVALID_CLIENT_METADATA,
        "A member of the client metadata has the wrong type.",
    )
    METADATA_TOO_LONG = (
        "metadata_too_long",
        Category.INVALID_CLIENT_METADATA,
        "A member of the client metadata is too long.",
    )
    METADATA_INCONSISTENT = (
        "metadata_inconsistent",
        Category.INVALID_CLIENT_METADATA,
        "The client metadata has both jwks and jwks_uri.",
    )
    METADATA_JWKS_INVALID = (
        "metadata_jwks_invalid",
        Category.INVALID_CLIENT_METADATA,
        "The jwks in the client metadata is no set of public keys.",
    )
    METADATA_KEYS_MISSING = (
        "metadata_keys_missing",
        Category.INVALID_CLIENT_METADATA,
        "With private_key_jwt the client metadata must have jwks or jwks_uri.",
    )
    SIGNING_ALGORITHM_UNSUPPORTED = (
        "signing_algorithm_unsupported",
        Category.INVALID_CLIENT_METADATA,
        "The token_endpoint_auth_signing_alg is not supported.",
    )
    PUBLIC_CLIENT_REFUSED = (
        "public_client_refused",
        Category.INVALID_CLIENT_METADATA,
        "Clients with token_endpoint_auth_method none cannot register themselves here.",
    )
    METADATA_URI_INVALID = (
        "metadata_uri_invalid",
        Category.INVALID_CLIENT_METADATA,
        "A URI in the client metadata is not an absolute http or https URL.",
    )
    METADATA_SCOPE_MALFORMED = (
        "metadata_scope_malformed",
        Category.INVALID_CLIENT_METADATA,
        "The scope in the client metadata is malformed or unknown.",
    )
    APPLICATION_TYPE_UNKNOWN = (
        "application_type_unknown",
        Category.INVALID_CLIENT_METADATA,
        "The application_type must be web or native.",
    )

    # Token endpoint, before a grant is looked at (D-03)
    GRANT_TYPE_MISSING = (
        "grant_type_missing",
        Category.INVALID_REQUEST,
        "The grant_type is missing.",
    )
    GRANT_TYPE_UNSUPPORTED = "grant_type_unsupported", Category.UNSUPPORTED_GRANT_TYPE
    GRANT_TYPE_UNREGISTERED = (
        "grant_type_unregistered",
        Category.UNAUTHORIZED_CLIENT,
        "The client is not registered for this grant type.",
    )

    # Codes and grants. One answer for all that could tell whether a code was ever real
    VERIFIER_MALFORMED = (
        "verifier_malformed",
        Category.INVALID_REQUEST,
        "The code_verifier is missing or malformed.",
    )
    CODE_UNKNOWN = "code_unknown", Category.INVALID_GRANT
    CODE_CLIENT_MISMATCH = "code_client_mismatch", Category.INVALID_GRANT
    CODE_REDIRECT_URI_MISMATCH = "code_redirect_uri_mismatch", Category.INVALID_GRANT
    CODE_VERIFIER_MISMATCH = "code_verifier_mismatch", Category.INVALID_GRANT
    CODE_EXHAUSTED = "code_exhausted", Category.INVALID_GRANT
    CODE_EXPIRED = "code_expired", Category.INVALID_GRANT
    CODE_REPLAYED = "code_replayed", Category.INVALID_GRANT
    REFRESH_UNKNOWN = "refresh_unknown", Category.INVALID_GRANT
    REFRESH_CLIENT_MISMATCH = "refresh_client_mismatch", Category.INVALID_GRANT
    REFRESH_REPLAYED = "refresh_replayed", Category.INVALID_GRANT
    RETRY_UNDERIVABLE = "retry_underivable", Category.INVALID_GRANT
    RETRY_TOO_FAR = "retry_too_far", Category.TEMPORARILY_UNAVAILABLE
    GRANT_REVOKED = "grant_revoked", Category.INVALID_GRANT
    GRANT_EXPIRED = "grant_expired", Category.INVALID_GRANT
    SCOPE_NOT_GRANTED = (
        "scope_not_granted",
        Category.INVALID_SCOPE,
        "The scope exceeds what was granted.",
    )
    RESOURCE_NOT_GRANTED = (
        "resource_not_granted",
        Category.INVALID_TARGET,
        "The resource is not the one that was granted.",
    )

    # Client credentials
    CLIENT_NOT_ITS_OWN = (
        "client_not_its_own",
        Category.UNAUTHORIZED_CLIENT,
        "Only a confidential client of the operator may act for itself.",
    )
    RESOURCE_NOT_ALLOWED = (
        "resource_not_allowed",
        Category.INVALID_TARGET,
        "The resource is missing, unknown, or not open to this client.",
    )
    SCOPE_NOT_ALLOWED = (
        "scope_not_allowed",
        Category.INVALID_SCOPE,
        "The scope exceeds what this client may ask for.",
    )
    TOKENS_TOO_MANY = "tokens_too_many", Category.RATE_LIMITED

    # The application's callback
    CALLBACK_ENDED = "callback_ended", Category.INVALID_GRANT
    CALLBACK_BUSY = "callback_busy", Category.TEMPORARILY_UNAVAILABLE
    CALLBACK_DENIED = "callback_denied", Category.ACCESS_DENIED
    CALLBACK_FAILED = "callback_failed", Category.SERVER_ERROR

    # Device authorization
    DEVICE_CODE_UNKNOWN = "device_code_unknown", Category.INVALID_GRANT
    DEVICE_CODE_SPENT = "device_code_spent", Category.INVALID_GRANT
    DEVICE_CODE_EXPIRED = "device_code_expired", Category.EXPIRED_TOKEN
    DEVICE_PENDING = "device_pending", Category.AUTHORIZATION_PENDING
    DEVICE_TOO_FAST = "device_too_fast", Category.SLOW_DOWN
    DEVICE_DENIED = "device_denied", Category.DEVICE_DENIED
    TOO_MANY_DEVICES = "too_many_devices", Category.RATE_LIMITED

    # Token exchange
    SUBJECT_TYPE_UNSUPPORTED = (
        "subject_type_unsupported",
        Category.INVALID_REQUEST,
        "The subject token must be an access token.",
    )
    ACTOR_TOKEN_UNSUPPORTED = (
        "actor_token_unsupported",
        Category.INVALID_REQUEST,
        "Actor tokens are not supported.",
    )
    REQUESTED_TYPE_UNSUPPORTED = (
        "requested_type_unsupported",
        Category.INVALID_REQUEST,
        "Only access tokens are issued in exchange.",
    )
    SUBJECT_TOKEN_INVALID = "subject_token_invalid", Category.SUBJECT_TOKEN
    SUBJECT_TOKEN_FOREIGN = "subject_token_foreign", Category.SUBJECT_TOKEN
    EXCHANGE_TARGET = "exchange_target", Category.INVALID_TARGET
    EXCHANGE_SCOPE = (
        "exchange_scope",
        Category.INVALID_SCOPE,
        "The scope exceeds what the subject token has for this resource.",
    )

    # Sender constraint (RFC 9449)
    DPOP_PROOF_REPEATED = (
        "dpop_proof_repeated",
        Category.INVALID_DPOP_PROOF,
        "There is more than one DPoP proof.",
    )
    DPOP_PROOF_MALFORMED = (
        "dpop_proof_malformed",
        Category.INVALID_DPOP_PROOF,
        "The DPoP proof is not a JWT of type dpop+jwt with a jti.",
    )
    DPOP_PROOF_SIGNATURE = (
        "dpop_proof_signature",
        Category.INVALID_DPOP_PROOF,
        "The DPoP proof is not signed by the public key that it holds.",
    )
    DPOP_PROOF_FOR_ANOTHER = (
        "dpop_proof_for_another",
        Category.INVALID_DPOP_PROOF,
        "The DPoP proof is for another method, URL or access token.",
    )
    DPOP_PROOF_NOT_NOW = (
        "dpop_proof_not_now",
        Category.INVALID_DPOP_PROOF,
        "The DPoP proof is too old, or from the future.",
    )
    DPOP_PROOF_REPLAYED = (
        "dpop_proof_replayed",
        Category.INVALID_DPOP_PROOF,
        "The DPoP proof was used before. Make a new one for every request.",
    )
    DPOP_PROOF_MISSING = (
        "dpop_proof_missing",
        Category.INVALID_DPOP_PROOF,
        "This client must send a DPoP proof.",
    )
    DPOP_UNSUPPORTED = (
        "dpop_unsupported",
        Category.INVALID_REQUEST,
        "Tokens of this grant type cannot be bound to a key.",
    )
    DPOP_PROOFS_TOO_MANY = "dpop_proofs_too_many", Category.RATE_LIMITED
    DPOP_NONCE_WANTED = "dpop_nonce_wanted", Category.USE_DPOP_NONCE
    DPOP_KEY_MALFORMED = (
        "dpop_key_malformed",
        Category.INVALID_REQUEST,
        "The dpop_jkt is not a thumbprint, or not that of the DPoP proof.",
    )
    CODE_KEY_MISMATCH = "code_key_mismatch", Category.INVALID_GRANT
    REFRESH_KEY_MISMATCH = "refresh_key_mismatch", Category.INVALID_GRANT

    # Consent
    CLIENT_ENDED = "client_ended", Category.UNAUTHORIZED_CLIENT
    ACCOUNT_DISABLED = "account_disabled", Category.ACCESS_DENIED
    SESSION_ENDED = "session_ended", Category.ACCESS_DENIED
    CONSENT_UNKNOWN = "consent_unknown", Category.ACCESS_DENIED
    CONSENT_ANSWERED = "consent_answered", Category.ACCESS_DENIED

    # The server itself
    RATE_LIMITED = "rate_limited", Category.RATE_LIMITED
    OVERLOADED = "overloaded", Category.TEMPORARILY_UNAVAILABLE
    STORAGE_FAILED = "storage_failed", Category.TEMPORARILY_UNAVAILABLE
    SIGNING_KEY_MISSING = "signing_key_missing", Category.SERVER_ERROR
    INTERNAL = "internal", Category.SERVER_ERROR


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal: a value that is returned, never raised.

    Attributes:
        reason: Why.
        detail: More for the operator's log. Never sent.
    """

    reason: Reason
    detail: str | None = None
