"""The documents that clients really publish."""

import pytest

from actor_oauth.oauth.json_values import Json
from tests.oauth.documents import accepted

CLAUDE = "https://claude.ai/oauth/mcp-oauth-client-metadata"
CLAUDE_CODE = "https://claude.ai/oauth/claude-code-client-metadata"
CHATGPT = "https://chatgpt.com/oauth/abc/client.json"
VS_CODE = "https://vscode.dev/oauth/client-metadata.json"


@pytest.mark.requirement("B-06", "B-08", "B-10")
@pytest.mark.parametrize(
    ("document", "method"),
    [
        (
            {
                "client_id": CLAUDE,
                "client_name": "Claude",
                "client_uri": "https://claude.ai",
                "redirect_uris": [
                    "https://claude.ai/api/mcp/auth_callback",
                    "https://claude.com/api/mcp/auth_callback",
                ],
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "token_endpoint_auth_method": "none",
            },
            "none",
        ),
        (
            {
                "client_id": CLAUDE_CODE,
                "client_name": "Claude Code",
                "redirect_uris": [
                    "http://localhost/callback",
                    "http://127.0.0.1/callback",
                ],
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "token_endpoint_auth_method": "none",
            },
            "none",
        ),
        (
            {
                "client_id": CHATGPT,
                "client_name": "ChatGPT",
                "redirect_uris": ["https://chatgpt.com/connector/oauth/abc"],
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
                "token_endpoint_auth_signing_alg": "RS256",
                "jwks_uri": "https://chatgpt.com/oauth/jwks.json",
            },
            "private_key_jwt",
        ),
        (
            {
                "client_id": VS_CODE,
                "client_name": "Visual Studio Code",
                "redirect_uris": [
                    "http://127.0.0.1:33418/",
                    "http://127.0.0.1/",
                    "https://vscode.dev/redirect",
                    "https://insiders.vscode.dev/redirect",
                ],
                "grant_types": [
                    "authorization_code",
                    "refresh_token",
                    "urn:ietf:params:oauth:grant-type:device_code",
                ],
                "response_types": ["code"],
                "token_endpoint_auth_method": "none",
                "application_type": "native",
            },
            "none",
        ),
    ],
)
def test_the_documents_of_real_clients_are_accepted(
    document: dict[str, Json], method: str
) -> None:
    client = accepted(document, url=str(document["client_id"]))
    assert client.auth_method == method
    assert set(client.grant_types) >= {"authorization_code", "refresh_token"}
    assert list(client.redirect_uris) == document["redirect_uris"]
