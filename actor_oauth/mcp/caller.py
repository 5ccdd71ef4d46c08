"""`Caller`: who calls a tool, as a value that the tool can ask for by a parameter.

@mcp.tool()
def greet(caller: CurrentCaller) -> str: ...
"""

from dataclasses import dataclass
from typing import Annotated, Never, TypeAlias, TypeVar

from mcp.server.mcpserver import Resolve

from actor_oauth.mcp.access import props_as, verified_access_token
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.tokens import AccessTokenInfo, Principal

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The caller of a tool, prompt or resource.

    Attributes:
        token: What their access token is good for.
        scopes: Its scopes, and those that they include.
    """

    token: AccessTokenInfo
    scopes: frozenset[str]

    @property
    def user_id(self) -> str:
        """The user who authorized the client.

        Raises:
            LookupError: There is none: a client calls for itself, or somebody of
                another server. `subject` may look like a user's id, and is not one.
        """
        if self.token.principal != "user":
            raise LookupError("no user of this server stands behind the call")
        return self.token.user_id

    @property
    def subject(self) -> str:
        """The token's subject, whatever kind of principal that is."""
        return self.token.user_id

    @property
    def principal(self) -> Principal:
        """Which kind of principal the subject is."""
        return self.token.principal

    @property
    def client_id(self) -> str:
        """The program that calls."""
        return self.token.client_id

    @property
    def props(self) -> Json:
        """What was attached to the grant when its user authorized the client."""
        return self.token.props

    def props_as(self, props_type: type[T]) -> T:
        """The props, read into a dataclass, TypedDict, pydantic model or other type.

        Raises:
            pydantic.ValidationError: They do not fit the type.
        """
        return props_as(self.token.props, props_type)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> Never:
        """Keep clients from saying who they are: this is never read from a request.

        Raises:
            TypeError: Always. Where no server fills in such a parameter, registering the
                function would make it one for the client.
        """
        raise TypeError(
            "a client cannot say who calls: in prompts and resources use "
            "current_caller(), on FastMCP the CurrentCaller of actor_oauth.mcp.fastmcp"
        )

    def has_scopes(self, *names: str) -> bool:
        """Whether the token has all of these scopes, or others that include them."""
        return self.scopes.issuperset(names)


def current_caller() -> Caller:
    """Give the caller of the tool, resource or prompt that is running.

    Raises:
        LookupError: This is not running for an authenticated request.
    """
    token = verified_access_token()
    return Caller(token=token.info, scopes=token.held)


async def _resolve_caller() -> Caller:
    # The SDK runs a resolver that is no coroutine function in a thread.
    return current_caller()


CurrentCaller: TypeAlias = Annotated[Caller, Resolve(_resolve_caller)]
"""The type of a tool parameter that the server fills in, hidden from the client."""
