"""What the pages of docs/ have to be copied is there: commands, imports, settings, links."""

import ast
import importlib
import re
import tomllib
from textwrap import dedent

import pytest

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.config import Settings
from actor_oauth.config.checks import find_problems
from actor_oauth.mcp import ActorAuthorizationProvider, ActorTokenVerifier
from actor_oauth.provider import Provider
from actor_oauth.upstream.vault import Vault
from tests.system.test_readme import ROOT, check_command

PAGES = sorted([ROOT / "README.md", ROOT / "ARCHITECTURE.md", *ROOT.glob("docs/*.md")])
READ = [(path.name, path.read_text()) for path in PAGES]

COMMANDS = sorted(
    {
        (name, line)
        for name, page in READ
        for line in re.findall(
            r"(?:^|`)(?:\.venv/bin/)?(?:actor-oauth|\./dev) ([a-z][^`#\n]*)",
            page,
            re.MULTILINE,
        )
        if not line.startswith(("test", "check"))
    }
)


def blocks(language: str) -> list[tuple[str, str]]:
    """The blocks in a language, with the page that each is on."""
    return [
        (name, block)
        for name, page in READ
        for block in re.findall(rf"```{language}\n(.*?) *```", page, re.DOTALL)
    ]


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_every_command_exists_with_its_options(page: str, line: str) -> None:
    check_command(line)


@pytest.mark.parametrize(("page", "text"), blocks("python"))
def test_every_import_in_a_program_is_there(page: str, text: str) -> None:
    for node in ast.walk(ast.parse(dedent(text))):
        if isinstance(node, ast.ImportFrom) and "actor_oauth" in (node.module or ""):
            module = importlib.import_module(str(node.module))
            missing = [alias.name for alias in node.names if not has(module, alias)]
            assert not missing


def has(module: object, alias: ast.alias) -> bool:
    return hasattr(module, alias.name)


@pytest.mark.parametrize(("page", "text"), blocks("toml"))
def test_every_settings_file_could_be_served(page: str, text: str) -> None:
    found = tomllib.loads(text.replace("…", "x"))
    assert found.keys() <= Settings.model_fields.keys()
    if "as above" not in text:
        settings = Settings.model_validate({"issuer": "https://you.example", **found})
        assert find_problems(settings) == []


def test_every_method_that_a_page_calls_is_there() -> None:
    known = {
        "server": (AuthorizationServer,),
        "provider": (Provider, ActorAuthorizationProvider),
        "vault": (Vault,),
        "verifier": (ActorTokenVerifier,),
    }
    missing = [
        (name, whose, method)
        for name, page in READ
        for whose, method in re.findall(r"\b(\w+)\.([a-z]\w+)\(", page)
        if whose in known and not any(hasattr(a, method) for a in known[whose])
    ]
    assert missing == []


@pytest.mark.parametrize(("page", "text"), READ)
def test_every_link_leads_to_a_file(page: str, text: str) -> None:
    folder = next(path for path in PAGES if path.name == page).parent
    links = re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", text)
    files = [link for link in links if "://" not in link]
    assert [link for link in files if not (folder / link).exists()] == []


@pytest.mark.parametrize(("page", "text"), READ)
def test_every_link_into_a_page_leads_to_a_heading(page: str, text: str) -> None:
    folder = next(path for path in PAGES if path.name == page).parent
    for link, anchor in re.findall(r"\]\(([^)\s#:]*)#([^)\s]+)\)", text):
        target = folder / link if link else folder / page
        headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
        assert anchor in [slug(heading) for heading in headings]


def slug(heading: str) -> str:
    """The anchor that hosts of repositories give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
