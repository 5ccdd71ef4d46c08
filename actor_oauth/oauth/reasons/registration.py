"""Reasons about what clients register."""

from typing import Final

from actor_oauth.oauth.categories import Category
from actor_oauth.oauth.reasons.rows import Row, Rows

ROWS: Final[Rows] = {
    "registration_disabled": Row(
        Category.ACCESS_DENIED, "Clients cannot register themselves here."
    ),
    "client_published": Row(
        Category.INVALID_CLIENT_METADATA,
        "The client publishes its metadata itself, and only it can change them.",
    ),
    "change_unfit": Row(
        Category.INVALID_CLIENT_METADATA,
        "Clients that act for users have redirect URIs, and those that act for "
        "themselves have resources and a scope.",
    ),
    "initial_token_invalid": Row(Category.INVALID_TOKEN),
    "registration_token_invalid": Row(Category.INVALID_TOKEN),
    "management_forbidden": Row(Category.ACCESS_DENIED),
    "management_client_id": Row(
        Category.INVALID_CLIENT_METADATA,
        "The client_id is missing, or not the one whose registration this is.",
    ),
    "management_member": Row(
        Category.INVALID_CLIENT_METADATA,
        "The client metadata has a member that only the server sets.",
    ),
    "management_secret": Row(
        Category.INVALID_CLIENT_METADATA, "The client_secret is not the current one."
    ),
    "registration_too_large": Row(Category.TOO_LARGE),
    "registration_malformed": Row(
        Category.INVALID_CLIENT_METADATA, "The body is not a JSON object."
    ),
    "redirect_uris_missing": Row(
        Category.INVALID_REDIRECT_URI, "The redirect_uris are missing."
    ),
    "redirect_uris_too_many": Row(
        Category.INVALID_REDIRECT_URI, "There are too many redirect_uris."
    ),
    "redirect_uri_malformed": Row(
        Category.INVALID_REDIRECT_URI,
        "A redirect URI is not an absolute URI, or has characters that none may have.",
    ),
    "redirect_uri_too_long": Row(
        Category.INVALID_REDIRECT_URI, "A redirect URI is too long."
    ),
    "redirect_uri_scheme": Row(
        Category.INVALID_REDIRECT_URI,
        "A redirect URI has a scheme that is not allowed here.",
    ),
    "redirect_uri_not_loopback": Row(
        Category.INVALID_REDIRECT_URI,
        "A redirect URI with http must name localhost, 127.0.0.1 or [::1].",
    ),
    "redirect_uri_fragment": Row(
        Category.INVALID_REDIRECT_URI, "A redirect URI has a fragment."
    ),
    "redirect_uri_userinfo": Row(
        Category.INVALID_REDIRECT_URI, "A redirect URI has a user name or password."
    ),
    "redirect_uri_query": Row(
        Category.INVALID_REDIRECT_URI,
        "A redirect URI has a query parameter that the response needs.",
    ),
    "redirect_uri_application_type": Row(
        Category.INVALID_REDIRECT_URI,
        "A redirect URI does not fit the application_type.",
    ),
    "auth_method_unsupported": Row(
        Category.INVALID_CLIENT_METADATA,
        "The token_endpoint_auth_method is not supported.",
    ),
    "grant_types_unsupported": Row(
        Category.INVALID_CLIENT_METADATA,
        "The grant_types must contain authorization_code.",
    ),
    "response_types_unsupported": Row(
        Category.INVALID_CLIENT_METADATA, "The response_types must contain code."
    ),
    "metadata_type_wrong": Row(
        Category.INVALID_CLIENT_METADATA,
        "A member of the client metadata has the wrong type.",
    ),
    "metadata_too_long": Row(
        Category.INVALID_CLIENT_METADATA, "A member of the client metadata is too long."
    ),
    "metadata_inconsistent": Row(
        Category.INVALID_CLIENT_METADATA,
        "The client metadata has both jwks and jwks_uri.",
    ),
    "metadata_jwks_invalid": Row(
        Category.INVALID_CLIENT_METADATA,
        "The jwks in the client metadata is no set of public keys.",
    ),
    "metadata_keys_missing": Row(
        Category.INVALID_CLIENT_METADATA,
        "With private_key_jwt the client metadata must have jwks or jwks_uri.",
    ),
    "signing_algorithm_unsupported": Row(
        Category.INVALID_CLIENT_METADATA,
        "The token_endpoint_auth_signing_alg is not supported.",
    ),
    "id_token_algorithm_unsupported": Row(
        Category.INVALID_CLIENT_METADATA,
        "The id_token_signed_response_alg is not supported.",
    ),
    "setting_off": Row(
        Category.INVALID_CLIENT_METADATA, "This server has not enabled that."
    ),
    "pairwise_unsupported": Row(
        Category.INVALID_CLIENT_METADATA, "The subject_type must be public."
    ),
    "public_client_refused": Row(
        Category.INVALID_CLIENT_METADATA,
        "Clients with token_endpoint_auth_method none cannot register themselves here.",
    ),
    "metadata_uri_invalid": Row(
        Category.INVALID_CLIENT_METADATA,
        "A URI in the client metadata is not an absolute http or https URL.",
    ),
    "metadata_scope_malformed": Row(
        Category.INVALID_CLIENT_METADATA,
        "The scope in the client metadata is malformed or unknown.",
    ),
    "application_type_unknown": Row(
        Category.INVALID_CLIENT_METADATA, "The application_type must be web or native."
    ),
}
