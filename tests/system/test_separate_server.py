"""A protected API in a process of its own, on asyncio, as its examples are run."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from actor_oauth.bench.leash import leashed
from actor_oauth.config import ResourceSettings, Settings
from tests.support.challenges import parse_challenge
from tests.support.made_grants import make_grants
from tests.support.ports import free_port
from tests.support.server_process import clean_environment, run_command, serving

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

UVICORN = ("uvicorn", "--port", "{port}")
HYPERCORN = ("hypercorn", "-k", "asyncio", "-b", "127.0.0.1:{port}")


@contextmanager
def started(command: Sequence[str], environment: dict[str, str]) -> Iterator[None]:
    """Run a server of others until it says that it runs."""
    with subprocess.Popen(
        leashed(sys.executable, "-m", *command),
        cwd=EXAMPLES,
        env=clean_environment(environment),
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if "unning on http" in line:
                    break
            else:
                raise AssertionError("".join(said))
            yield
        finally:
            process.terminate()


@pytest.mark.requirement("G-13", "G-14")
@pytest.mark.parametrize(
    ("example", "server"), [("separate_api", UVICORN), ("separate_django", HYPERCORN)]
)
async def test_a_separate_server_on_asyncio_knows_of_a_revocation_at_once(
    example: str, server: Sequence[str], tmp_path: Path
) -> None:
    port = free_port()
    api = f"http://127.0.0.1:{port}"
    resource = {
        "identifier": f"{api}/notes",
        "scopes": ["notes"],
        "default_scopes": ["notes"],
    }
    variables = {"ACTOR_OAUTH_RESOURCES": json.dumps([resource])}
    with serving(tmp_path, environment=variables) as provider:
        added = run_command(
            *("clients", "add", "--name", "Notes API", "--confidential", "--json"),
            *("--redirect-uri", "https://notes.example/unused"),
            *("--data", str(tmp_path)),
        )
        client = json.loads(added.stdout)
        environment = {
            "ISSUER": provider.url,
            "RESOURCE": f"{api}/notes",
            "CLIENT_ID": client["client_id"],
            "CLIENT_SECRET": client["client_secret"],
        }
        command = [part.format(port=port) for part in (*server, f"{example}:app")]
        settings = Settings(
            data=tmp_path,
            issuer=provider.url,
            resources=(ResourceSettings.model_validate(resource),),
        )
        client_id, [tokens] = await make_grants(settings, 1)
        bearer = {"Authorization": f"Bearer {tokens.access_token}"}
        with started(command, environment):
            async with httpx2.AsyncClient(base_url=api, timeout=60) as http:
                assert (await http.get("/health")).json() == "ok"
                stranger = await http.get("/notes")
                challenge = parse_challenge(
                    stranger.headers.get_list("www-authenticate")[0]
                )
                document = (await http.get(challenge["resource_metadata"])).json()
                assert document["authorization_servers"] == [provider.url]
                wrote = await http.post("/notes", content=b"milk", headers=bearer)
                assert wrote.status_code == 201
                assert (await http.get("/notes", headers=bearer)).json() == ["milk"]
                revoked = await http.post(
                    f"{provider.url}/revoke",
                    data={"token": tokens.access_token, "client_id": client_id},
                )
                assert revoked.status_code == 200
                refused = await http.get("/notes", headers=bearer)
                assert refused.status_code == 401
