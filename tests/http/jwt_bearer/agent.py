"""A client that presents assertions of an organization."""

from base64 import b64encode
from dataclasses import dataclass

import httpx2

from actor_oauth.actors.authorization_server import NewClient
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.trusted_issuers import TrustedIssuer
from tests.http.deployment import ISSUER, Deployment, policy_for
from tests.support.issuers import IDP, JWT_BEARER, Idp, an_issuer, trusting


@dataclass
class Agent:
    """A client of the operator's, whose users' organization has an identity provider."""

    deployment: Deployment
    client: NewClient
    idp: Idp

    @property
    def basic(self) -> dict[str, str]:
        pair = f"{self.client.client.client_id}:{self.client.secret}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    async def present(
        self, text: str | None = None, *, dpop: str | None = None, **form: str
    ) -> httpx2.Response:
        """Ask for a token."""
        text = self.idp.assertion() if text is None else text
        headers = self.basic if dpop is None else {**self.basic, "DPoP": dpop}
        return await self.deployment.post(
            "/token", {"grant_type": JWT_BEARER, "assertion": text, **form}, **headers
        )

    async def token(self, **claims: Json) -> str:
        """Get a token, which must work."""
        answer = await self.present(self.idp.assertion(**claims))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def introspect(self, token: str) -> dict[str, object]:
        answer = await self.deployment.post(
            "/introspect", {"token": token}, **self.basic
        )
        return dict(answer.json())

    def user_id(self, subject: str = "00u1-alice", tenant: str | None = None) -> str:
        return self.deployment.server.federated_user_id(IDP, subject, tenant=tenant)


async def an_agent(deployment: Deployment) -> Agent:
    made = await deployment.server.create_client(
        client_name="Agent", redirect_uris=(), confidential=True, assertions=True
    )
    assert isinstance(made, NewClient)
    idp = Idp(
        audience=ISSUER,
        client_id=made.client.client_id,
        now=deployment.clock.now(),
    )
    return Agent(deployment, made, idp)


def trusting_policy(*issuers: TrustedIssuer) -> Policy:
    return trusting(policy_for(ISSUER), *(issuers or (an_issuer(),)))


def error_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]
