"""The list of all reasons.

To add one, name it here and give it a row in the table of its area beside this file. A
name without a row does not import; a row without a name fails a test.
"""

from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Self

from actor_oauth.oauth.categories import Category
from actor_oauth.oauth.reasons.table import ROWS


class Reason(StrEnum):
    """Why something was refused, as the operator's log names it.

    Attributes:
        category: What the client is told.
        description: A text for the client: the row's, or else the category's.
    """

    category: Category
    description: str

    def __new__(cls, value: str) -> Self:
        """Make a member whose value is its name in the log.

        Raises:
            KeyError: It has no row.
        """
        row = ROWS[value]
        member = str.__new__(cls, value)
        member._value_ = value
        member.category = row.category
        member.description = row.description or row.category.description
        return member

    # Requests as such
    FORM_TOO_LARGE = auto()
    FORM_FOREIGN = auto()
    BODY_TOO_SLOW = auto()
    FORM_MALFORMED = auto()
    MEDIA_TYPE_WRONG = auto()
    METHOD_NOT_ALLOWED = auto()
    PARAMETER_REPEATED = auto()
    PARAMETER_MISSING = auto()
    TOKEN_MISSING = auto()

    # Client authentication
    CLIENT_ID_MISSING = auto()
    CLIENT_CREDENTIALS_MALFORMED = auto()
    CLIENT_UNKNOWN = auto()
    CLIENT_SECRET_MISSING = auto()
    CLIENT_SECRET_WRONG = auto()
    CLIENT_SECRET_UNEXPECTED = auto()
    CLIENT_METHOD_WRONG = auto()
    CLIENT_ASSERTION_MALFORMED = auto()
    CLIENT_ASSERTION_ALGORITHM = auto()
    CLIENT_ASSERTION_TYPE = auto()
    CLIENT_ASSERTION_SUBJECT = auto()
    CLIENT_ASSERTION_AUDIENCE = auto()
    CLIENT_ASSERTION_JTI = auto()
    CLIENT_ASSERTION_EXPIRED = auto()
    CLIENT_ASSERTION_TOO_LONG = auto()
    CLIENT_ASSERTION_EARLY = auto()
    CLIENT_ASSERTION_KEY_UNKNOWN = auto()
    CLIENT_ASSERTION_SIGNATURE = auto()
    CLIENT_ASSERTION_REPLAYED = auto()
    CLIENT_KEYS_UNAVAILABLE = auto()
    CLIENT_ASSERTIONS_TOO_MANY = auto()
    CLIENT_METHODS_MIXED = auto()
    CLIENT_ID_MISMATCH = auto()

    # Metadata documents
    DOCUMENT_RATE_LIMITED = auto()
    DOCUMENT_UNAVAILABLE = auto()
    DOCUMENT_MALFORMED = auto()
    DOCUMENT_CLIENT_ID_WRONG = auto()
    DOCUMENT_NAME_MISSING = auto()
    DOCUMENT_HAS_SECRET = auto()
    DOCUMENT_METHOD_INCONSISTENT = auto()

    # Authorization requests
    AUTHORIZE_CLIENT_ID_MISSING = auto()
    AUTHORIZE_CLIENT_UNKNOWN = auto()
    REDIRECT_URI_MISSING = auto()
    REDIRECT_URI_UNREGISTERED = auto()
    DETAILS_NOT_GRANTABLE = auto()
    DETAILS_NOT_GRANTED = auto()
    DETAILS_NOT_NARROWED = auto()
    RESPONSE_TYPE_MISSING = auto()
    RESPONSE_TYPE_UNSUPPORTED = auto()
    RESPONSE_TYPE_UNREGISTERED = auto()
    RESPONSE_MODE_UNSUPPORTED = auto()
    CHALLENGE_MISSING = auto()
    CHALLENGE_METHOD_UNSUPPORTED = auto()
    CHALLENGE_MALFORMED = auto()
    STATE_TOO_LONG = auto()
    NONCE_TOO_LONG = auto()
    SCOPE_MALFORMED = auto()
    SCOPE_UNKNOWN = auto()
    RESOURCE_UNKNOWN = auto()
    REQUEST_OBJECT = auto()
    REQUEST_URI = auto()
    REQUEST_URI_PUSHED = auto()
    REQUEST_URI_UNKNOWN = auto()
    REQUEST_URI_EXPIRED = auto()
    REQUEST_URI_SPENT = auto()
    PUSH_REQUIRED = auto()
    TOO_MANY_PUSHED = auto()
    USER_DENIED = auto()
    PROMPT_CONTRADICTORY = auto()
    MAX_AGE_MALFORMED = auto()
    LOGIN_REQUIRED = auto()
    CONSENT_REQUIRED = auto()
    INTERACTION_REQUIRED = auto()
    ACCOUNT_SELECTION_REQUIRED = auto()

    # Signing out
    ID_TOKEN_HINT_INVALID = auto()
    ID_TOKEN_HINT_FOREIGN = auto()
    LOGOUT_URI_UNREGISTERED = auto()

    # Registration
    REGISTRATION_DISABLED = auto()
    INITIAL_TOKEN_INVALID = auto()
    CLIENT_PUBLISHED = auto()
    CHANGE_UNFIT = auto()
    REGISTRATION_TOKEN_INVALID = auto()
    MANAGEMENT_FORBIDDEN = auto()
    MANAGEMENT_CLIENT_ID = auto()
    MANAGEMENT_MEMBER = auto()
    MANAGEMENT_SECRET = auto()
    REGISTRATION_TOO_LARGE = auto()
    REGISTRATION_MALFORMED = auto()
    REDIRECT_URIS_MISSING = auto()
    REDIRECT_URIS_TOO_MANY = auto()
    REDIRECT_URI_MALFORMED = auto()
    REDIRECT_URI_TOO_LONG = auto()
    REDIRECT_URI_SCHEME = auto()
    REDIRECT_URI_NOT_LOOPBACK = auto()
    REDIRECT_URI_FRAGMENT = auto()
    REDIRECT_URI_USERINFO = auto()
    REDIRECT_URI_QUERY = auto()
    REDIRECT_URI_APPLICATION_TYPE = auto()
    AUTH_METHOD_UNSUPPORTED = auto()
    GRANT_TYPES_UNSUPPORTED = auto()
    RESPONSE_TYPES_UNSUPPORTED = auto()
    METADATA_TYPE_WRONG = auto()
    METADATA_TOO_LONG = auto()
    METADATA_INCONSISTENT = auto()
    METADATA_JWKS_INVALID = auto()
    METADATA_KEYS_MISSING = auto()
    SIGNING_ALGORITHM_UNSUPPORTED = auto()
    ID_TOKEN_ALGORITHM_UNSUPPORTED = auto()
    SETTING_OFF = auto()
    PAIRWISE_UNSUPPORTED = auto()
    PUBLIC_CLIENT_REFUSED = auto()
    METADATA_URI_INVALID = auto()
    METADATA_SCOPE_MALFORMED = auto()
    APPLICATION_TYPE_UNKNOWN = auto()

    # Token endpoint, before a grant is examined
    GRANT_TYPE_MISSING = auto()
    GRANT_TYPE_UNSUPPORTED = auto()
    GRANT_TYPE_UNREGISTERED = auto()

    # Codes and grants
    VERIFIER_MALFORMED = auto()
    CODE_UNKNOWN = auto()
    CODE_CLIENT_MISMATCH = auto()
    CODE_REDIRECT_URI_MISMATCH = auto()
    CODE_VERIFIER_MISMATCH = auto()
    CODE_EXHAUSTED = auto()
    CODE_EXPIRED = auto()
    CODE_REPLAYED = auto()
    REFRESH_UNKNOWN = auto()
    REFRESH_CLIENT_MISMATCH = auto()
    REFRESH_REPLAYED = auto()
    REFRESH_STALE = auto()
    RETRY_UNDERIVABLE = auto()
    RETRY_TOO_FAR = auto()
    GRANT_REVOKED = auto()
    GRANT_EXPIRED = auto()
    SCOPE_NOT_GRANTED = auto()
    RESOURCE_NOT_GRANTED = auto()

    # Client credentials
    CLIENT_NOT_ITS_OWN = auto()
    RESOURCE_NOT_ALLOWED = auto()
    SCOPE_NOT_ALLOWED = auto()
    TOKENS_TOO_MANY = auto()

    # The application's callback
    CALLBACK_ENDED = auto()
    CALLBACK_BUSY = auto()
    CALLBACK_DENIED = auto()
    CALLBACK_FAILED = auto()

    # Device authorization
    DEVICE_CODE_UNKNOWN = auto()
    DEVICE_CODE_SPENT = auto()
    DEVICE_CODE_EXPIRED = auto()
    DEVICE_PENDING = auto()
    DEVICE_TOO_FAST = auto()
    DEVICE_DENIED = auto()
    TOO_MANY_DEVICES = auto()

    # Token exchange
    SUBJECT_TYPE_UNSUPPORTED = auto()
    ACTOR_TOKEN_UNSUPPORTED = auto()
    REQUESTED_TYPE_UNSUPPORTED = auto()
    SUBJECT_TOKEN_INVALID = auto()
    SUBJECT_TOKEN_FOREIGN = auto()
    EXCHANGE_TARGET = auto()
    EXCHANGE_SCOPE = auto()

    # Sender constraint
    DPOP_PROOF_REPEATED = auto()
    DPOP_PROOF_MALFORMED = auto()
    DPOP_PROOF_SIGNATURE = auto()
    DPOP_PROOF_FOR_ANOTHER = auto()
    DPOP_PROOF_BY_ANOTHER = auto()
    DPOP_PROOF_NOT_NOW = auto()
    DPOP_PROOF_REPLAYED = auto()
    DPOP_PROOF_MISSING = auto()
    DPOP_UNSUPPORTED = auto()
    DPOP_PROOFS_TOO_MANY = auto()
    DPOP_NONCE_WANTED = auto()
    DPOP_KEY_MALFORMED = auto()
    CODE_KEY_MISMATCH = auto()
    REFRESH_KEY_MISMATCH = auto()

    # Assertions of trusted issuers
    ASSERTION_MALFORMED = auto()
    ASSERTION_ISSUER = auto()
    ASSERTION_TYPE = auto()
    ASSERTION_ALGORITHM = auto()
    ASSERTION_KEY_UNKNOWN = auto()
    ASSERTION_KEY_AMBIGUOUS = auto()
    ASSERTION_SIGNATURE = auto()
    ASSERTION_AUDIENCE = auto()
    ASSERTION_CLIENT = auto()
    ASSERTION_CLAIMS = auto()
    ASSERTION_EXPIRED = auto()
    ASSERTION_EARLY = auto()
    ASSERTION_TOO_LONG = auto()
    ASSERTION_SUBJECT = auto()
    ASSERTION_TENANT = auto()
    ASSERTION_RESOURCE = auto()
    ASSERTION_CONSTRAINT = auto()
    ASSERTION_KEY_MISMATCH = auto()
    ASSERTION_REPLAYED = auto()
    ASSERTION_ACCOUNT = auto()
    ASSERTION_CLIENT_NOT_ALLOWED = auto()
    ASSERTIONS_TOO_MANY = auto()
    ISSUER_KEYS_UNAVAILABLE = auto()
    ASSERTED_GRANTS_TOO_MANY = auto()
    STATEMENT_MISSING = auto()
    STATEMENT_MALFORMED = auto()
    STATEMENT_SIGNATURE = auto()
    STATEMENT_KEY_UNKNOWN = auto()
    STATEMENT_AUDIENCE = auto()
    STATEMENT_EXPIRED = auto()
    STATEMENT_UNAPPROVED = auto()

    # Consent
    CLIENT_ENDED = auto()
    ACCOUNT_DISABLED = auto()
    LOGIN_REFUSED = auto()
    SESSION_ENDED = auto()
    CONSENT_UNKNOWN = auto()
    CONSENT_ANSWERED = auto()
    CLIENT_CHANGED = auto()

    # Protected resources
    CREDENTIALS_MISSING = auto()
    CREDENTIALS_MALFORMED = auto()
    CREDENTIALS_SEVERAL = auto()
    ORIGIN_FOREIGN = auto()
    ACCESS_TOKEN_UNKNOWN = auto()
    ACCESS_TOKEN_EXPIRED = auto()
    ACCESS_TOKEN_AUDIENCE = auto()
    ACCESS_TOKEN_BINDING = auto()
    ACCESS_TOKEN_SCOPE = auto()

    # The server itself
    RATE_LIMITED = auto()
    CONNECTIONS_TOO_MANY = auto()
    OVERLOADED = auto()
    STORAGE_FAILED = auto()
    SIGNING_KEY_MISSING = auto()
    INTERNAL = auto()


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal: a value that is returned, never raised.

    Attributes:
        reason: Why.
        detail: More for the operator's log. Never sent.
        grant: Which grant the request was about, for the log too: see
            `actor_oauth.oauth.presented_grant`.
    """

    reason: Reason
    detail: str | None = None
    grant: str | None = None
