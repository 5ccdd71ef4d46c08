"""Applications find all that they need in a few packages, and the pages name no others."""

import ast
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from types import FunctionType
from typing import Final, TypeVar, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel

from tests import api

PAGES: Final = sorted([api.ROOT / "README.md", *api.ROOT.glob("docs/**/*.md")])
EXAMPLES: Final = sorted(api.ROOT.glob("examples/**/*.py"))
NAMED: Final = re.compile(r"`(actor_oauth(?:\.\w+)+)")

INNER_TYPES: Final = frozenset(
    {
        # What `turn` and `view` make of a method; nobody has to say so.
        "Turn",
        "Memorable",
        # Of parameters that are for tests, or for this project's own server.
        "CallEffects",
        "Disk",
        "HostRate",
        # Made and used without being looked into.
        "Keyring",
        "Unchanged",
    }
)
"""In the signature of something public, without being that themselves."""

# What is imported for type checkers only, and a text that has to stand for a type.
_KNOWN: Final = dict.fromkeys(("FastMCP", "MCPServer", "Metrics", "Json"), list)


def public_names() -> Iterator[tuple[str, str]]:
    """Every public name, with its package."""
    for package in api.PUBLIC:
        for name in import_module(package).__all__:
            yield package, name


def programs() -> Iterator[tuple[Path, str]]:
    """All that the pages and examples have in Python."""
    for page in PAGES:
        for text in re.findall(r"```python\n(.*?) *```", page.read_text(), re.DOTALL):
            yield page, dedent(text)
    for example in EXAMPLES:
        yield example, example.read_text()


def test_pages_and_examples_import_public_names_only() -> None:
    public = set(public_names())
    inner = []
    for path, program in programs():
        for node in ast.walk(ast.parse(program)):
            if isinstance(node, ast.Import):
                inner += [
                    (path.name, alias.name)
                    for alias in node.names
                    if alias.name.startswith("actor_oauth.")
                    and alias.name not in api.PUBLIC
                ]
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                inner += [
                    (path.name, f"{node.module}.{alias.name}")
                    for alias in node.names
                    if node.module.split(".")[0] == "actor_oauth"
                    and (node.module, alias.name) not in public
                ]
    assert inner == []


def test_a_page_imports_the_public_names_that_its_programs_use() -> None:
    public = {name for _, name in public_names()}
    for page in PAGES:
        trees = [ast.parse(program) for path, program in programs() if path == page]
        nodes = [node for tree in trees for node in ast.walk(tree)]
        known = {name for node in nodes for name in made_by(node)}
        used = {node.id for node in nodes if isinstance(node, ast.Name)}
        assert (page.name, (used & public) - known) == (page.name, set())


def test_pages_name_public_modules_only() -> None:
    public = {f"{package}.{name}" for package, name in public_names()}
    inner = {
        (page.name, named)
        for page in PAGES
        if page.name != "requirements.md"
        for named in NAMED.findall(page.read_text())
        if named not in public | set(api.PUBLIC)
    }
    assert inner == set()


@pytest.mark.parametrize("package", api.PUBLIC)
def test_every_public_name_is_there_and_described(package: str) -> None:
    module = import_module(package)
    assert module.__doc__
    listed = [name for part in api.parts_of(package) for name in part.names]
    assert listed == module.__all__
    assert [name for name in listed if not api.said_of(package, name)] == []


def test_the_page_of_names_says_what_there_is() -> None:
    page = api.PAGE.read_text()
    assert api.with_names(page) == page, "run: python -m tests.api"


def test_what_a_public_name_takes_and_gives_is_public() -> None:
    public = {
        id(getattr(import_module(package), name)) for package, name in public_names()
    }
    hidden = {
        (f"{package}.{name}", used.__qualname__)
        for package, name in public_names()
        for used in used_by(getattr(import_module(package), name))
        if id(used) not in public and used.__name__ not in INNER_TYPES
    }
    assert hidden == set()


def test_what_is_kept_from_applications_exists() -> None:
    there = {
        f"{name}.{member}"
        for package, name in public_names()
        for member in dir(getattr(import_module(package), name))
    }
    fields = {"RunningProvider.endpoints"}
    assert there | fields >= api.INNER_MEMBERS


def made_by(node: ast.AST) -> list[str]:
    """The names that an import, a definition or an assignment makes."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return [node.id]
    return []


def used_by(given: object) -> set[type]:
    """The classes of this project that a function, or a class's public part, names."""
    if isinstance(given, FunctionType):
        return set(classes_in(hints(given)))
    if not isinstance(given, type):
        return set(classes_in(given))
    used = {
        one
        for _, method in api.methods_of(given)
        if not (is_dataclass(given) and method.__name__ == "__init__")
        for one in classes_in(hints(method))
    }
    if is_dataclass(given) or issubclass(given, BaseModel):
        fields = {
            name: hint
            for name, hint in hints(given).items()
            if f"{given.__name__}.{name}" not in api.INNER_MEMBERS
        }
        used |= set(classes_in(fields))
    return used - set(given.__mro__)


def hints(given: object) -> dict[str, object]:
    return get_type_hints(given, localns=_KNOWN)


def classes_in(hint: object) -> Iterator[type]:
    """The classes of this project in a type, however deep."""
    if isinstance(hint, dict):
        hint = list(hint.values())
    if isinstance(hint, list | tuple):
        for one in hint:
            yield from classes_in(one)
    elif isinstance(hint, TypeVar):
        yield from classes_in(hint.__bound__)
    elif get_origin(hint) is not None:
        yield from classes_in([get_origin(hint), *get_args(hint)])
    elif isinstance(hint, type) and api.is_ours(hint):
        yield hint
