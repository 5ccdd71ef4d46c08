"""What the clients in the field are and send: one profile for each of them.

Facts, not taste: the identities, redirect URIs, parameters and omissions are those that
each client was seen with. `docs/compatibility.md` tells them to readers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from actor_oauth.oauth.json_values import Json

Step = Literal["authorize", "token", "refresh"]
AuthMethod = Literal[
    "none", "client_secret_basic", "client_secret_post", "private_key_jwt"
]

_EVERYWHERE: Final[frozenset[Step]] = frozenset(("authorize", "token", "refresh"))
_CODE: Final[Mapping[str, Json]] = {
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
}


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One client, in one way of making itself known.

    Attributes:
        name: As the compatibility page calls it.
        redirect_uri: The one that it really uses, with its port.
        registration: What it posts to register itself, or None.
        document_url: Its id, if it is known by a document that it publishes.
        document: That document.
        auth: How it authenticates at the token endpoint. With a secret and without a
            registration, its user typed in an id and a secret.
        scope_from: Where it takes the scopes from that it asks for.
        wants_refresh: Whether it asks for `offline_access` if it is advertised.
        prompt: What it sends as `prompt`.
        resource_at: Where it sends `resource`.
        refreshes_with_scope: Whether it repeats the scope when it refreshes.
    """

    name: str
    redirect_uri: str
    registration: Mapping[str, Json] | None = None
    document_url: str | None = None
    document: Mapping[str, Json] = field(default_factory=dict)
    auth: AuthMethod = "none"
    scope_from: Literal["challenge", "resource", "server", "nowhere"] = "challenge"
    wants_refresh: bool = False
    prompt: str | None = None
    resource_at: frozenset[Step] = _EVERYWHERE
    refreshes_with_scope: bool = False

    @property
    def id(self) -> str:
        """For the names of tests."""
        ways = {"document": self.document_url, "dcr": self.registration}
        way = next((way for way, given in ways.items() if given), "typed in")
        return f"{self.name}, {way}"


CLAUDE_CALLBACK: Final = "https://claude.ai/api/mcp/auth_callback"
CLAUDE_DOCUMENT: Final = "https://claude.ai/oauth/mcp-oauth-client-metadata"
CHATGPT_DOCUMENT: Final = "https://chatgpt.com/oauth/abc123/client.json"

CLAUDE: Final = Profile(
    name="claude.ai",
    redirect_uri=CLAUDE_CALLBACK,
    document_url=CLAUDE_DOCUMENT,
    document={
        "client_name": "Claude",
        "client_uri": "https://claude.ai",
        "redirect_uris": [
            CLAUDE_CALLBACK,
            "https://claude.com/api/mcp/auth_callback",
        ],
        "token_endpoint_auth_method": "none",
        **_CODE,
    },
    scope_from="server",
)
CLAUDE_DCR: Final = Profile(
    name="claude.ai",
    redirect_uri="https://claude.com/api/mcp/auth_callback",
    registration={
        "client_name": "Claude",
        "redirect_uris": ["https://claude.com/api/mcp/auth_callback"],
        "token_endpoint_auth_method": "client_secret_post",
        "scope": "notes:read",
        **_CODE,
    },
    auth="client_secret_post",
    scope_from="challenge",
)
CLAUDE_TYPED: Final = Profile(
    name="claude.ai", redirect_uri=CLAUDE_CALLBACK, auth="client_secret_post"
)
CLAUDE_CODE: Final = Profile(
    name="Claude Code",
    redirect_uri="http://localhost:3118/callback",
    document_url="https://claude.ai/oauth/claude-code-client-metadata",
    document={
        "client_name": "Claude Code",
        "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
        "token_endpoint_auth_method": "none",
        **_CODE,
    },
    wants_refresh=True,
)
CHATGPT: Final = Profile(
    name="ChatGPT",
    redirect_uri="https://chatgpt.com/connector/oauth/abc123",
    document_url=CHATGPT_DOCUMENT,
    document={
        "client_name": "ChatGPT",
        "redirect_uris": ["https://chatgpt.com/connector/oauth/abc123"],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg": "RS256",
        "jwks_uri": "https://chatgpt.com/oauth/jwks.json",
        **_CODE,
    },
    auth="private_key_jwt",
    scope_from="server",
    wants_refresh=True,
)
CHATGPT_DCR: Final = Profile(
    name="ChatGPT",
    redirect_uri="https://chatgpt.com/connector_platform_oauth_redirect",
    registration={
        "client_name": "ChatGPT",
        "redirect_uris": ["https://chatgpt.com/connector_platform_oauth_redirect"],
        "token_endpoint_auth_method": "client_secret_post",
        **_CODE,
    },
    auth="client_secret_post",
    scope_from="server",
    wants_refresh=True,
)
_VSCODE_REDIRECTS: Final[list[Json]] = [
    "https://insiders.vscode.dev/redirect",
    "https://vscode.dev/redirect",
    "http://127.0.0.1/",
    "http://127.0.0.1:33418/",
]
VSCODE: Final = Profile(
    name="VS Code",
    redirect_uri="http://127.0.0.1:33418/",
    document_url="https://vscode.dev/oauth/client-metadata.json",
    document={
        "client_name": "Visual Studio Code",
        "client_uri": "https://code.visualstudio.com",
        "redirect_uris": _VSCODE_REDIRECTS,
        "token_endpoint_auth_method": "none",
        **_CODE,
    },
    scope_from="resource",
)
VSCODE_DCR: Final = Profile(
    name="VS Code",
    # Its usual port was taken.
    redirect_uri="http://127.0.0.1:54321/",
    registration={
        "client_name": "Visual Studio Code",
        "client_uri": "https://code.visualstudio.com",
        # A grant type that the server may not have.
        "grant_types": [
            "authorization_code",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "response_types": ["code"],
        "redirect_uris": _VSCODE_REDIRECTS,
        "scope": "notes:read notes:write",
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    },
    scope_from="resource",
)
CURSOR: Final = Profile(
    name="Cursor",
    redirect_uri="cursor://anysphere.cursor-mcp/oauth/callback",
    registration={
        "client_name": "Cursor",
        "redirect_uris": [
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "http://localhost:8787/callback",
            "https://www.cursor.com/agents/mcp/oauth/callback",
        ],
        "token_endpoint_auth_method": "none",
        **_CODE,
    },
    scope_from="resource",
)
CURSOR_TYPED: Final = Profile(
    name="Cursor",
    redirect_uri="https://www.cursor.com/agents/mcp/oauth/callback",
    auth="client_secret_basic",
    scope_from="resource",
)
CODEX: Final = Profile(
    name="Codex",
    redirect_uri="http://127.0.0.1:45671/callback",
    registration={
        "client_name": "Codex",
        "redirect_uris": ["http://127.0.0.1:45671/callback"],
        "token_endpoint_auth_method": "none",
        **_CODE,
    },
    scope_from="server",
    # Older versions leave it out afterwards.
    resource_at=frozenset(("authorize",)),
)
GEMINI: Final = Profile(
    name="Gemini CLI",
    redirect_uri="http://localhost:7777/oauth/callback",
    registration={
        "client_name": "Gemini CLI MCP Client",
        "redirect_uris": ["http://localhost:7777/oauth/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "code_challenge_method": ["S256"],
    },
    scope_from="server",
)
COPILOT: Final = Profile(
    name="Copilot CLI",
    redirect_uri="http://127.0.0.1:41234/",
    document_url="https://github.com/copilot/cli/client-metadata.json",
    document={
        "client_name": "GitHub Copilot CLI",
        # Says a port, and uses another one.
        "redirect_uris": ["http://127.0.0.1:33418/"],
        "token_endpoint_auth_method": "none",
        **_CODE,
    },
    scope_from="resource",
)
OPENCODE: Final = Profile(
    name="opencode",
    redirect_uri="http://127.0.0.1:19876/mcp/oauth/callback",
    document_url="https://opencode.ai/oauth/opencode/client.json",
    document={
        "client_name": "OpenCode",
        "client_uri": "https://opencode.ai",
        "redirect_uris": ["http://127.0.0.1:19876/mcp/oauth/callback"],
        "token_endpoint_auth_method": "none",
        **_CODE,
    },
)
MCP_REMOTE: Final = Profile(
    name="mcp-remote",
    redirect_uri="http://localhost:3334/oauth/callback",
    registration={
        "redirect_uris": ["http://localhost:3334/oauth/callback"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
        "client_name": "MCP CLI Proxy",
        "client_uri": "https://github.com/modelcontextprotocol/mcp-cli",
        "scope": "notes:read offline_access",
        "software_id": "2e6dc280-f3c3-4e01-99a7-8181dbd1d23d",
        "software_version": "0.15.1",
        **_CODE,
    },
    wants_refresh=True,
    prompt="consent",
)
INSPECTOR: Final = Profile(
    name="MCP Inspector",
    redirect_uri="http://127.0.0.1:6276/oauth/callback",
    registration={
        "redirect_uris": ["http://127.0.0.1:6276/oauth/callback"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
        "client_name": "MCP Inspector",
        "client_uri": "https://github.com/modelcontextprotocol/inspector",
        "scope": "notes:read offline_access",
        **_CODE,
    },
    wants_refresh=True,
    prompt="consent",
)
PYTHON_SDK: Final = Profile(
    name="MCP Python SDK",
    redirect_uri="http://localhost:3030/callback",
    registration={
        "client_name": "a client",
        "redirect_uris": ["http://localhost:3030/callback"],
        "scope": "notes:read offline_access",
        "application_type": "native",
        **_CODE,
    },
    # It names no method, so it is given a secret, which it posts.
    auth="client_secret_post",
    wants_refresh=True,
    prompt="consent",
)
N8N: Final = Profile(
    name="n8n",
    redirect_uri="https://oauth.n8n.cloud/oauth2/callback",
    auth="client_secret_basic",
    scope_from="nowhere",
    resource_at=frozenset(),
)
N8N_DCR: Final = Profile(
    name="n8n",
    redirect_uri="https://oauth.n8n.cloud/oauth2/callback",
    registration={
        "client_name": "n8n",
        "client_uri": "https://n8n.io/",
        "redirect_uris": ["https://oauth.n8n.cloud/oauth2/callback"],
        "token_endpoint_auth_method": "client_secret_basic",
        **_CODE,
    },
    auth="client_secret_basic",
    scope_from="server",
)
COPILOT_STUDIO: Final = Profile(
    name="Copilot Studio",
    redirect_uri="https://global.consent.azure-apim.net/redirect/notes",
    registration={
        "client_name": "Copilot Studio",
        "redirect_uris": ["https://global.consent.azure-apim.net/redirect/notes"],
        "token_endpoint_auth_method": "client_secret_post",
        **_CODE,
    },
    auth="client_secret_post",
    scope_from="server",
    wants_refresh=True,
    resource_at=frozenset(),
)
GEMINI_SPARK: Final = Profile(
    name="Gemini Spark",
    redirect_uri="https://gemini.google.com/oauth/callback",
    registration={
        "client_name": "Gemini",
        "redirect_uris": ["https://gemini.google.com/oauth/callback"],
        "token_endpoint_auth_method": "client_secret_basic",
        **_CODE,
    },
    auth="client_secret_basic",
    scope_from="resource",
)

PROFILES: Final = (
    CLAUDE,
    CLAUDE_DCR,
    CLAUDE_TYPED,
    CLAUDE_CODE,
    CHATGPT,
    CHATGPT_DCR,
    VSCODE,
    VSCODE_DCR,
    CURSOR,
    CURSOR_TYPED,
    CODEX,
    GEMINI,
    COPILOT,
    OPENCODE,
    MCP_REMOTE,
    INSPECTOR,
    PYTHON_SDK,
    N8N,
    N8N_DCR,
    COPILOT_STUDIO,
    GEMINI_SPARK,
)
