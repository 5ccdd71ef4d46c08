"""The metadata documents as HTTP: where they are, for whom, and for how long."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.policy import Policy, ResourcePolicy
from tests.http.deployment import ISSUER, Deploy, Deployment, policy_for

AS = "/.well-known/oauth-authorization-server"
PRM = "/.well-known/oauth-protected-resource"


def with_resources(*identifiers: str) -> Policy:
    resources = tuple(ResourcePolicy(identifier=url) for url in identifiers)
    return replace(policy_for(ISSUER), resources=resources)


@pytest.mark.requirement("A-01", "A-04", "A-05", "A-07", "A-18")
async def test_the_document_says_what_is_there_and_nothing_else(
    deployment: Deployment,
) -> None:
    answer = await deployment.browser().get(AS, Host="evil.example")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert document["issuer"] == ISSUER
    assert document["response_types_supported"] == ["code"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert "jwks_uri" not in document
    assert all(value not in ([], None) for value in document.values())
    assert "evil.example" not in answer.text


@pytest.mark.requirement("A-02", "A-05", "A-08")
@pytest.mark.parametrize("issuer", [ISSUER, ISSUER + "/t1", ISSUER + "/t1/"])
async def test_every_advertised_endpoint_is_there(deploy: Deploy, issuer: str) -> None:
    path = issuer.removeprefix(ISSUER).rstrip("/")
    async with deploy(policy=policy_for(issuer)) as deployment:
        http = deployment.browser().http
        document = (await http.get(AS + path)).json()
        statuses = {
            name: (await http.post(url)).status_code
            for name, url in document.items()
            if name.endswith("_endpoint")
        }

    assert document["issuer"] == issuer
    assert len(statuses) >= 5
    assert set(statuses.values()) == {400}


@pytest.mark.requirement("A-02")
async def test_an_issuer_with_a_path_has_its_document_at_the_inserted_path_only(
    deploy: Deploy,
) -> None:
    async with deploy(policy=policy_for(ISSUER + "/t1")) as deployment:
        browser = deployment.browser()
        statuses = [
            (await browser.get(path)).status_code
            for path in (AS + "/t1", AS, "/t1" + AS, AS + "/t2", AS + "/t1/")
        ]

    assert statuses == [200, 404, 404, 404, 404]


@pytest.mark.requirement("A-02", "J-06")
async def test_with_an_issuer_path_the_whole_flow_stays_below_it(
    deploy: Deploy,
) -> None:
    async with deploy(policy=policy_for(ISSUER + "/t1")) as deployment:
        client = await deployment.register()
        code = await deployment.code(client)
        tokens = await deployment.post(
            "/token",
            {
                "grant_type": "authorization_code",
                "client_id": client["client_id"],
                "code": code,
                "code_verifier": "a-verifier-of-the-right-length-0123456789-abcdef",
            },
        )
        outside = await deployment.browser().get("/authorize")

    assert tokens.status_code == 200
    assert outside.status_code == 404


@pytest.mark.requirement("A-03")
@pytest.mark.parametrize(
    "path", ["/.well-known/openid-configuration", "/.well-known/", "/.well-known/x/y"]
)
async def test_no_other_document_is_pretended(
    deployment: Deployment, path: str
) -> None:
    answer = await deployment.browser().get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.requirement("A-10", "A-11", "A-13", "A-14")
async def test_a_resources_document_is_at_the_path_of_the_resource(
    deployment: Deployment,
) -> None:
    answer = await deployment.browser().get(PRM + "/mcp")

    assert answer.status_code == 200
    assert answer.json() == {
        "resource": ISSUER + "/mcp",
        "authorization_servers": [ISSUER],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["notes:read"],
        "resource_name": "Field Notes",
    }


@pytest.mark.requirement("A-12")
async def test_the_root_document_is_the_only_resources(deployment: Deployment) -> None:
    browser = deployment.browser()

    root = await browser.get(PRM)
    guessed = await browser.get(PRM + "/evil")

    assert root.json()["resource"] == ISSUER + "/mcp"
    assert guessed.status_code == 404
    assert "evil" not in guessed.text


@pytest.mark.requirement("A-12")
async def test_with_several_resources_the_root_is_the_origins_or_the_default_ones(
    deploy: Deploy,
) -> None:
    several = with_resources(ISSUER + "/a", ISSUER + "/b")
    async with deploy(policy=several) as deployment:
        browser = deployment.browser()
        assert (await browser.get(PRM)).status_code == 404
        assert (await browser.get(PRM + "/b")).json()["resource"] == ISSUER + "/b"
    default = replace(several, default_resource=ISSUER + "/b")
    async with deploy(policy=default) as deployment:
        root = await deployment.browser().get(PRM)
        assert root.json()["resource"] == ISSUER + "/b"


@pytest.mark.requirement("A-12")
async def test_a_resource_that_is_the_origin_is_at_the_root(deploy: Deploy) -> None:
    several = with_resources(ISSUER + "/a", ISSUER)
    async with deploy(policy=several) as deployment:
        answer = await deployment.browser().get(PRM)

    assert answer.json()["resource"] == ISSUER


@pytest.mark.requirement("A-10", "A-11")
async def test_resources_with_one_path_are_told_apart_by_host_and_query(
    deploy: Deploy,
) -> None:
    urls = (
        "https://a.example/mcp",
        "https://b.example/mcp",
        "https://b.example/mcp?tenant=7",
    )
    async with deploy(policy=with_resources(*urls)) as deployment:
        browser = deployment.browser()
        found = [
            (await browser.get(path, Host=host)).json()["resource"]
            for host, path in (
                ("a.example", PRM + "/mcp"),
                ("b.example", PRM + "/mcp"),
                ("b.example", PRM + "/mcp?tenant=7"),
                ("evil.example", PRM + "/mcp"),
                ("a.example", PRM + "/mcp?cache=buster"),
            )
        ]

    assert found == [*urls, urls[0], urls[0]]


@pytest.mark.requirement("A-10")
async def test_an_encoded_path_is_found(deploy: Deploy) -> None:
    async with deploy(policy=with_resources(ISSUER + "/m%20x")) as deployment:
        answer = await deployment.browser().get(PRM + "/m%20x")

    assert answer.json()["resource"] == ISSUER + "/m%20x"


@pytest.mark.requirement("A-18", "J-13", "J-16")
@pytest.mark.parametrize("path", [AS, PRM, PRM + "/mcp"])
async def test_documents_may_be_cached_and_read_by_anybody(
    deployment: Deployment, path: str
) -> None:
    http = deployment.browser().http

    got = await http.get(path)
    head = await http.head(path)
    options = await http.options(path)
    posted = await http.post(path)

    assert "max-age=3600" in got.headers["cache-control"]
    assert "public" in got.headers["cache-control"]
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]
    assert head.headers["etag"] == got.headers["etag"]
    assert options.status_code == 204
    assert options.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    for answer in (got, head, options, posted):
        assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.requirement("A-18")
async def test_who_has_the_document_is_told_so(deployment: Deployment) -> None:
    browser = deployment.browser()
    etag = (await browser.get(AS)).headers["etag"]

    for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = await browser.get(AS, **{"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
    assert (await browser.get(AS, **{"If-None-Match": '"x"'})).status_code == 200
