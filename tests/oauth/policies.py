"""The policy of a server with two resources."""

from actor_oauth.oauth.policy import Policy, ResourcePolicy

MCP = ResourcePolicy(
    identifier="https://h.example/mcp",
    scopes=("mcp", "tools"),
    default_scopes=("mcp",),
    name="The tools",
)
API = ResourcePolicy(
    identifier="https://api.example", scopes=("read",), default_scopes=("read",)
)
POLICY = Policy(issuer="https://h.example/t1", resources=(MCP, API))
