"""What a client may do with its own registration, over HTTP."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import httpx2
import pytest
import trio

from actor_oauth.http import HttpOptions, Rate
from actor_oauth.oauth.tokens import parse_token
from tests.http.deployment import ISSUER, Deploy, Deployment
from tests.http.registrations import MANAGED_POLICY, METADATA, PATIENT, bearer, register


@pytest.fixture
async def managed(deploy: Deploy) -> AsyncIterator[Deployment]:
    async with deploy(policy=MANAGED_POLICY, options=PATIENT) as opened:
        yield opened


async def manage(
    deployment: Deployment,
    method: str,
    client: Mapping[str, object],
    *,
    token: object = None,
    json: object = None,
    **headers: str,
) -> httpx2.Response:
    token = client["registration_access_token"] if token is None else token
    http = deployment.browser("198.51.100.7").http
    url = str(client["registration_client_uri"])
    given = {**bearer(token), **headers}
    if json is None:
        return await http.request(method, url, headers=given)
    return await http.request(method, url, json=json, headers=given)


def replacement(client: Mapping[str, object], **more: object) -> dict[str, object]:
    return {**METADATA, "client_id": client["client_id"], **more}


@pytest.mark.requirement("A-08", "B-31")
async def test_switched_off_there_is_no_management(deployment: Deployment) -> None:
    client = (await register(deployment)).json()
    assert "registration_access_token" not in client
    url = f"{ISSUER}/register/client?client_id={client['client_id']}"
    answer = await deployment.browser().get(url, Authorization="Bearer x")
    assert answer.status_code == 404


@pytest.mark.requirement("B-31")
async def test_a_client_reads_its_registration(managed: Deployment) -> None:
    client = (await register(managed)).json()
    answer = await manage(managed, "GET", client)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json() == client
    assert client["registration_client_uri"].startswith(f"{ISSUER}/register/client?")


@pytest.mark.requirement("B-32")
async def test_whoever_has_not_the_token_learns_nothing(managed: Deployment) -> None:
    client = (await register(managed)).json()
    other = (await register(managed)).json()
    gone = (await register(managed)).json()
    assert (await manage(managed, "DELETE", gone)).status_code == 204
    unknown = {**client, "registration_client_uri": f"{ISSUER}/register/client"}
    answers = [
        await manage(managed, method, target, token=token, json=replacement(client))
        for method in ("GET", "PUT", "DELETE")
        for target, token in (
            (client, "x"),
            (client, other["registration_access_token"]),
            (client, gone["registration_access_token"]),
            (gone, gone["registration_access_token"]),
            (unknown, client["registration_access_token"]),
            (
                {
                    **client,
                    "registration_client_uri": client["registration_client_uri"] + "x",
                },
                client["registration_access_token"],
            ),
        )
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    for answer in answers:
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert (await manage(managed, "GET", client)).status_code == 200


@pytest.mark.requirement("B-32")
async def test_a_disabled_client_is_told_that_it_may_not(managed: Deployment) -> None:
    client = (await register(managed)).json()
    actor = managed.server._clients.actor(client["client_id"])
    await actor.set_disabled(disabled=True, now=managed.clock.now())
    assert (await manage(managed, "GET", client)).status_code == 403


@pytest.mark.requirement("B-32", "J-13", "J-14")
async def test_other_verbs_are_not_allowed(managed: Deployment) -> None:
    client = (await register(managed)).json()
    posted = await manage(managed, "POST", client, json={})
    assert posted.status_code == 405
    assert posted.headers["allow"] == "GET, HEAD, PUT, DELETE, OPTIONS"
    preflight = await manage(managed, "OPTIONS", client)
    assert preflight.status_code == 204
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    text = await manage(managed, "PUT", client, **{"Content-Type": "text/plain"})
    assert text.status_code == 400


@pytest.mark.requirement("E-09")
async def test_who_guesses_tokens_has_to_wait(deploy: Deploy) -> None:
    options = HttpOptions(client_failure_rate=Rate(burst=2, interval=60.0))
    async with deploy(policy=MANAGED_POLICY, options=options) as managed:
        client = (await register(managed)).json()
        for _ in range(2):
            bad = await manage(managed, "GET", client, token="x")
            assert bad.status_code == 401
        assert (await manage(managed, "GET", client)).status_code == 429


@pytest.mark.requirement("B-33")
async def test_a_replacement_is_whole(managed: Deployment) -> None:
    client = (
        await register(managed, client_uri="https://app.example", contacts=["a@b"])
    ).json()
    managed.clock.advance(100)
    answer = await manage(
        managed, "PUT", client, json=replacement(client, client_name="Second Name")
    )
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert changed["client_name"] == "Second Name"
    assert "client_uri" not in changed
    assert "contacts" not in changed
    assert changed["client_id_issued_at"] == client["client_id_issued_at"]
    assert changed["registration_access_token"] != client["registration_access_token"]
    assert (await manage(managed, "GET", changed)).json() == changed
    known = await managed.server.lookup_client(client["client_id"])
    assert known is not None
    assert known.client_name == "Second Name"


@pytest.mark.requirement("B-33", "B-24")
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_id": None}, "invalid_client_metadata"),
        ({"client_id": "another"}, "invalid_client_metadata"),
        ({"registration_access_token": "x"}, "invalid_client_metadata"),
        ({"registration_client_uri": "x"}, "invalid_client_metadata"),
        ({"client_secret_expires_at": 0}, "invalid_client_metadata"),
        ({"client_id_issued_at": 1}, "invalid_client_metadata"),
        ({"client_secret": "chosen"}, "invalid_client_metadata"),
        ({"client_secret": 7}, "invalid_client_metadata"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
    ],
)
async def test_a_replacement_that_does_not_hold_changes_nothing(
    managed: Deployment, change: dict[str, object], error: str
) -> None:
    client = (await register(managed)).json()
    answer = await manage(managed, "PUT", client, json=replacement(client, **change))
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert (await manage(managed, "GET", client)).json() == client


@pytest.mark.requirement("B-33")
@pytest.mark.parametrize("body", [b"", b"[]", b"{"])
async def test_a_replacement_that_is_no_json_object_is_refused(
    managed: Deployment, body: bytes
) -> None:
    client = (await register(managed)).json()
    http = managed.browser().http
    answer = await http.put(
        client["registration_client_uri"],
        content=body,
        headers={
            **bearer(client["registration_access_token"]),
            "Content-Type": "application/json",
        },
    )
    assert answer.status_code == 400


def confidential(client: Mapping[str, object], **more: object) -> dict[str, object]:
    return replacement(client, token_endpoint_auth_method="client_secret_post", **more)


async def authenticates(deployment: Deployment, client_id: str, secret: str) -> bool:
    form = {"client_id": client_id, "client_secret": secret, "token": "x"}
    return (await deployment.post("/revoke", form)).status_code == 200


@pytest.mark.requirement("B-33", "B-35")
async def test_a_secret_is_made_kept_compared_and_dropped(managed: Deployment) -> None:
    client = (await register(managed)).json()
    first = (await manage(managed, "PUT", client, json=confidential(client))).json()
    secret = first["client_secret"]
    assert first["client_secret_expires_at"] == 0
    assert await authenticates(managed, client["client_id"], secret)
    # Its answer was lost: the same again, with the same secret and the same token.
    again = (await manage(managed, "PUT", client, json=confidential(client))).json()
    assert again == first
    # Told to be the current one it may be, and it is not shown again.
    kept = await manage(
        managed, "PUT", first, json=confidential(client, client_secret=secret)
    )
    assert kept.status_code == 200
    assert "client_secret" not in kept.json()
    assert await authenticates(managed, client["client_id"], secret)
    other = parse_token(secret)
    assert other is not None
    wrong = replace(other, secret=b"x" * 32).render()
    refused = await manage(
        managed, "PUT", kept.json(), json=confidential(client, client_secret=wrong)
    )
    assert refused.status_code == 400
    public = await manage(managed, "PUT", kept.json(), json=replacement(client))
    assert "client_secret" not in public.json()
    assert not await authenticates(managed, client["client_id"], secret)


@pytest.mark.requirement("B-35")
async def test_the_old_token_is_good_until_the_new_one_is_used(
    managed: Deployment,
) -> None:
    client = (await register(managed)).json()
    new = (await manage(managed, "PUT", client, json=replacement(client))).json()

    read = (await manage(managed, "GET", client)).json()
    assert read["registration_access_token"] == new["registration_access_token"]
    assert (await manage(managed, "GET", new)).status_code == 200
    assert (await manage(managed, "GET", client)).status_code == 401
    newer = (await manage(managed, "PUT", new, json=replacement(client))).json()
    assert (await manage(managed, "GET", client)).status_code == 401
    assert (await manage(managed, "GET", new)).status_code == 200
    assert (await manage(managed, "DELETE", newer)).status_code == 204


@pytest.mark.requirement("B-34", "B-36", "B-30")
async def test_a_deleted_client_is_gone_with_all_that_it_was_granted(
    managed: Deployment,
) -> None:
    client = (await register(managed)).json()
    code = await managed.code(client)
    tokens = (await managed.redeem(client, code)).json()
    resource = managed.policy.resources[0].identifier
    access = tokens["access_token"]
    assert await managed.server.validate_token(resource, access) is not None

    deleted = await manage(managed, "DELETE", client)
    assert deleted.status_code == 204
    assert deleted.content == b""
    assert await managed.server.validate_token(resource, access) is None
    form = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "client_id": client["client_id"],
    }
    gone = await managed.post("/token", form)
    assert (gone.status_code, gone.json()["error"]) == (401, "invalid_client")
    assert (await manage(managed, "DELETE", client)).status_code == 401


@pytest.mark.requirement("M-10", "B-35")
async def test_replacements_at_once_leave_one_of_them_whole_and_one_token(
    managed: Deployment,
) -> None:
    client = (await register(managed)).json()
    answers: list[dict[str, object]] = []

    async def put(number: int) -> None:
        uri = f"https://app{number}.example/cb"
        answer = await manage(
            managed,
            "PUT",
            client,
            json=replacement(client, client_name=f"Name {number}", redirect_uris=[uri]),
        )
        assert answer.status_code == 200
        answers.append(answer.json())

    async with trio.open_nursery() as nursery:
        for number in range(32):
            nursery.start_soon(put, number)
    # Whoever's answer arrives, its token is the one.
    assert len({str(each["registration_access_token"]) for each in answers}) == 1
    final = (await manage(managed, "GET", answers[0])).json()
    assert final in answers


@pytest.mark.requirement("M-10", "B-36")
async def test_nothing_that_races_with_a_deletion_revives_the_client(
    managed: Deployment,
) -> None:
    client = (await register(managed)).json()
    statuses: dict[str, set[int]] = {"GET": set(), "PUT": set(), "DELETE": set()}

    async def ask(method: str) -> None:
        body = confidential(client) if method == "PUT" else None
        answer = await manage(managed, method, client, json=body)
        statuses[method].add(answer.status_code)

    async with trio.open_nursery() as nursery:
        for number in range(32):
            method = "DELETE" if number in (12, 13) else ("PUT", "GET")[number % 2]
            nursery.start_soon(ask, method)
    assert statuses["PUT"] | statuses["GET"] <= {200, 401}
    assert statuses["DELETE"] == {204, 401}
    assert (
        await manage(managed, "PUT", client, json=replacement(client))
    ).status_code == 401
    assert await managed.server.lookup_client(client["client_id"]) is None


@pytest.mark.requirement("K-02", "K-12")
async def test_no_token_is_stored_as_it_is(managed: Deployment) -> None:
    client = (await register(managed)).json()
    client = (await manage(managed, "PUT", client, json=confidential(client))).json()
    initial = await managed.server.registrations.issue_initial_token("x")
    stored = b"".join(
        path.read_bytes() for path in managed.disk._path.rglob("*") if path.is_file()
    )
    for name in ("registration_access_token", "client_secret"):
        token = parse_token(client[name])
        assert token is not None
        assert token.secret not in stored
        assert client[name].encode() not in stored
    token = parse_token(initial or "")
    assert token is not None
    assert token.secret not in stored
