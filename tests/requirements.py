"""Writes docs/requirements.md: `python -m tests.requirements`.

Which requirement is kept where, and proved by which tests, read off the code and the
tests themselves; only the titles, and what is deliberately out, are in the TOML file.
"""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "requirements.md"
_CONTRACT: Final = ROOT / "tests" / "requirements.toml"

_NAME: Final = re.compile(r"\b[A-M]-\d{1,2}\b")
_RANGE: Final = re.compile(r"\b([A-M])-(\d{1,2}) to (?:[A-M]-)(\d{1,2})\b")

_SECTIONS: Final[Mapping[str, str]] = {
    "A": "Discovery and metadata",
    "B": "Client registration",
    "C": "Authorization and consent",
    "D": "Token endpoint",
    "E": "Client authentication",
    "F": "DPoP",
    "G": "Resource server",
    "H": "Revocation and introspection",
    "I": "Upstream client",
    "J": "Browser-facing security",
    "K": "Storage and cryptography",
    "M": "Races",
}

_HEAD: Final = """\
# Requirements

Each requirement of the wire contract, where the code keeps it, and the tests that prove
it. Made by `python -m tests.requirements` from the tests' markers and from what the code
names; CI fails when this page says something else than they do.
"""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of the contract.

    Attributes:
        name: Such as `D-25`.
        title: What has to hold, in a few words.
        places: Modules that keep it, as paths from the root.
        tests: How many tests of each file prove it.
        out: Why it is deliberately not kept; None if it is kept.
    """

    name: str
    title: str
    places: tuple[str, ...]
    tests: Mapping[str, int]
    out: str | None

    @property
    def problem(self) -> str | None:
        """What is untrue about the claim that this is kept, or that it is out."""
        if self.out is not None:
            return f"{self.name} is out, and tested" if self.tests else None
        if not self.places:
            return f"{self.name}: no place in the code names it"
        return None if self.tests else f"{self.name}: no test proves it"


def requirements() -> list[Requirement]:
    """Read the contract, the code and the tests."""
    contract = tomllib.loads(_CONTRACT.read_text())
    places = _places()
    tests = _tests()
    return [
        Requirement(
            name=name,
            title=title,
            places=tuple(contract["where"].get(name, places.get(name, ()))),
            tests=tests.get(name, {}),
            out=contract["out"].get(name),
        )
        for name, title in contract["titles"].items()
    ]


def page() -> str:
    """Give the page as it has to be now."""
    known = requirements()
    parts = [_HEAD]
    for letter, title in _SECTIONS.items():
        parts.append(
            f"\n## {letter}. {title}\n\n| | What | Where | Tests |\n|---|---|---|---|\n"
        )
        parts += [_row(one) for one in known if one.name.startswith(letter)]
    return "".join(parts)


def _row(one: Requirement) -> str:
    if one.out is not None:
        return f"| {one.name} | {one.title} | deliberately out | {one.out} |\n"
    places = ", ".join(_link(place) for place in one.places)
    tests = ", ".join(f"{_link(path)} {count}" for path, count in one.tests.items())
    return f"| {one.name} | {one.title} | {places} | {tests} |\n"


def _link(path: str) -> str:
    shown = path.removeprefix("actor_oauth/").removeprefix("tests/").removesuffix(".py")
    return f"[{shown}](../{path})"


def _places() -> dict[str, list[str]]:
    """Where the code names each requirement, in docstrings and comments."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "actor_oauth").rglob("*.py")):
        text = path.read_text()
        named = set(_NAME.findall(text))
        for letter, first, last in _RANGE.findall(text):
            named |= {f"{letter}-{n:02}" for n in range(int(first), int(last) + 1)}
        for name in named:
            found.setdefault(name, []).append(str(path.relative_to(ROOT)))
    return found


def _tests() -> dict[str, dict[str, int]]:
    """How many tests name each requirement, by file."""
    found: dict[str, dict[str, int]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        relative = str(path.relative_to(ROOT))
        for name in _marked(ast.parse(path.read_text())):
            counts = found.setdefault(name, {})
            counts[relative] = counts.get(relative, 0) + 1
    return found


def _marked(module: ast.Module) -> Iterator[str]:
    """What each test function's markers name, and the module's own for each of them."""
    for_all: list[str] = []
    for top in module.body:
        if isinstance(top, ast.Assign) and "pytestmark" in ast.unparse(top.targets[0]):
            for_all = [*_named(top.value)]
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            own = [name for mark in node.decorator_list for name in _named(mark)]
            is_test = node.name.startswith("test_")
            yield from {*own, *for_all} if is_test else own


def _named(expression: ast.expr) -> Iterator[str]:
    for node in ast.walk(expression):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            "mark.requirement"
        ):
            for argument in node.args:
                if isinstance(argument, ast.Constant):
                    yield str(argument.value)


if __name__ == "__main__":
    PAGE.write_text(page())
