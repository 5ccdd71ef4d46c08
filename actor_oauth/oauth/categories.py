"""What a client may know about a refusal: the error codes of the RFCs."""

from enum import Enum


class Category(Enum):
    """What the client may know: an error code, its status and a general text.

    Two categories may share a code: RFC 6749 has none of its own for a request that is
    too large, or for a client that asks too often.

    Attributes:
        error: The code on the wire.
        status: The HTTP status where the error is answered directly. Errors that
            travel in a redirect have no use for it.
        description: Said for every reason that has no text of its own.
        retry_after: Seconds for `Retry-After`, or None if a retry will not help.
    """

    INVALID_REQUEST = ("invalid_request", 400, "The request is malformed.")
    TOO_LARGE = ("invalid_request", 413, "The request is too large.")
    TOO_SLOW = ("invalid_request", 408, "The body did not arrive in time.")
    METHOD_NOT_ALLOWED = (
        "invalid_request",
        405,
        "This endpoint does not answer this method.",
    )
    INVALID_CLIENT = ("invalid_client", 401, "Client authentication failed.")
    INVALID_GRANT = (
        "invalid_grant",
        400,
        "The grant is invalid, expired, revoked, or belongs to another client.",
    )
    AUTHORIZATION_PENDING = (
        "authorization_pending",
        400,
        "Nobody has answered yet. Keep polling.",
    )
    SLOW_DOWN = ("slow_down", 400, "Poll 5 seconds less often from now on.")
    DEVICE_DENIED = ("access_denied", 400, "The request was denied.")
    EXPIRED_TOKEN = ("expired_token", 400, "The device code has expired. Begin anew.")
    SUBJECT_TOKEN = (
        "invalid_request",
        400,
        "The subject token is invalid, expired, revoked, or not for this client.",
    )
    UNAUTHORIZED_CLIENT = ("unauthorized_client", 400, "The client may not do this.")
    UNSUPPORTED_GRANT_TYPE = (
        "unsupported_grant_type",
        400,
        "The grant type is not supported.",
    )
    UNSUPPORTED_RESPONSE_TYPE = (
        "unsupported_response_type",
        400,
        "The response type is not supported. Use code.",
    )
    INVALID_SCOPE = (
        "invalid_scope",
        400,
        "The scope is malformed, unknown, or exceeds what was granted.",
    )
    INVALID_TARGET = (
        "invalid_target",
        400,
        "The resource is missing, malformed, or not served here.",
    )
    INVALID_AUTHORIZATION_DETAILS = (
        "invalid_authorization_details",
        400,
        "The authorization_details are malformed, or of an unknown type.",
    )
    ACCESS_DENIED = ("access_denied", 403, "The request was denied.")
    LOGIN_REQUIRED = (
        "login_required",
        400,
        "Nobody is signed in, or not recently enough.",
    )
    CONSENT_REQUIRED = ("consent_required", 400, "The user must be asked.")
    INTERACTION_REQUIRED = (
        "interaction_required",
        400,
        "The user must be shown a page.",
    )
    ACCOUNT_SELECTION_REQUIRED = (
        "account_selection_required",
        400,
        "Another account is signed in than the one that login_hint names.",
    )
    REQUEST_NOT_SUPPORTED = (
        "request_not_supported",
        400,
        "Request objects are not supported.",
    )
    REQUEST_URI_NOT_SUPPORTED = (
        "request_uri_not_supported",
        400,
        "Request objects by reference are not supported.",
    )
    INVALID_REQUEST_URI = (
        "invalid_request_uri",
        400,
        "This authorization request is unknown, has expired, or was answered before.",
    )
    INVALID_REDIRECT_URI = (
        "invalid_redirect_uri",
        400,
        "A redirect URI is not acceptable.",
    )
    INVALID_CLIENT_METADATA = (
        "invalid_client_metadata",
        400,
        "The client metadata is not acceptable.",
    )
    INVALID_SOFTWARE_STATEMENT = (
        "invalid_software_statement",
        400,
        "The software statement is not signed by a key of its issuer.",
    )
    UNAPPROVED_SOFTWARE_STATEMENT = (
        "unapproved_software_statement",
        400,
        "The issuer of the software statement is not approved here.",
    )
    INVALID_DPOP_PROOF = (
        "invalid_dpop_proof",
        400,
        "The DPoP proof is missing, or not one for this request.",
    )
    USE_DPOP_NONCE = (
        "use_dpop_nonce",
        400,
        "The DPoP proof must hold the nonce that comes with this answer.",
    )
    UNAUTHENTICATED = ("invalid_token", 401, "This resource needs an access token.")
    ACCESS_TOKEN = (
        "invalid_token",
        401,
        "The access token is not valid for this resource, or no longer.",
    )
    INVALID_TOKEN = ("invalid_token", 401, "The token is invalid, expired or revoked.")
    INSUFFICIENT_SCOPE = (
        "insufficient_scope",
        403,
        "The token lacks a scope that this needs.",
    )
    RATE_LIMITED = (
        "temporarily_unavailable",
        429,
        "Too many requests. Try again later.",
        60,
    )
    TEMPORARILY_UNAVAILABLE = (
        "temporarily_unavailable",
        503,
        "The server is busy. Try again later; nothing is wrong with the request.",
        1,
    )
    SERVER_ERROR = ("server_error", 500, "Something went wrong on the server.")

    def __init__(
        self, error: str, status: int, description: str, retry_after: int | None = None
    ) -> None:
        self.error = error
        self.status = status
        self.description = description
        self.retry_after = retry_after
