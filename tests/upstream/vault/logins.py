"""What tests of sign-ins share: where documents are, and how to look at one that began."""

from typing import Final
from urllib.parse import parse_qs, urlsplit

from actor_oauth.oauth.upstream.failures import UpstreamFault
from actor_oauth.upstream.vault import LoginRedirect
from tests.support.standin import Said
from tests.upstream.vault.world import BROWSER, USER, World, fault

PRM: Final = "/.well-known/oauth-protected-resource/mcp"
ROOT_PRM: Final = "/.well-known/oauth-protected-resource"
AS: Final = "/.well-known/oauth-authorization-server"
OIDC: Final = "/.well-known/openid-configuration"


def asked_for(begun: LoginRedirect) -> dict[str, list[str]]:
    return parse_qs(urlsplit(begun.url).query)


async def refusal(world: World, url: str | None = None) -> UpstreamFault:
    return fault(
        await world.vault.begin_login(USER, url or world.upstream.url, browser=BROWSER)
    )


def challenged(world: World, challenge: str) -> None:
    line = f"WWW-Authenticate: {challenge}"
    world.upstream.resource.pages["/mcp"] = Said(401, {}, (line,))
