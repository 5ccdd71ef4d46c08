"""What the README shows is what there is."""

import ast
import re
from pathlib import Path

import pytest
import typer.main

from actor_oauth.cli.commands import COMMANDS, app_with
from tests.readme import SETTINGS, with_all_settings, with_first_settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_the_settings_shown_are_those_that_there_are() -> None:
    assert with_first_settings(README) == README, "run: python -m tests.readme"
    page = SETTINGS.read_text()
    assert with_all_settings(page) == page, "run: python -m tests.readme"


def test_the_program_in_the_readme_is_the_example_that_is_run() -> None:
    [shown] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    example = (ROOT / "examples" / "mcp_server.py").read_text()
    assert example.endswith(shown)


def test_a_protected_server_takes_ten_lines_at_most_of_which_the_guide_shows_the_last() -> (
    None
):
    """The issue's promise, counted: what is neither imported nor said about itself."""
    example = (ROOT / "examples" / "mcp_server.py").read_text()
    module = ast.parse(example)
    about = [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.Import | ast.ImportFrom)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    not_counted = {
        number
        for node in about
        for number in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    lines = example.splitlines()
    own = [
        line
        for number, line in enumerate(lines, 1)
        if line and number not in not_counted
    ]
    assert len(own) <= 10
    guide = (ROOT / "docs" / "mcp.md").read_text()
    first = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)[0]
    assert example.endswith(first)


def commands() -> dict[tuple[str, ...], set[str]]:
    """Every command with its options, as the command line knows them."""
    found: dict[tuple[str, ...], set[str]] = {}
    no_words: tuple[str, ...] = ()
    pending = [(no_words, typer.main.get_command(app_with(*COMMANDS)))]
    while pending:
        words, command = pending.pop()
        below = getattr(command, "commands", {})
        pending += [((*words, name), below[name]) for name in below]
        if not below and not command.hidden:
            found[words] = {opt for param in command.params for opt in param.opts}
    return found


SHOWN = [
    line
    for line in re.findall(r"(?:actor-oauth|\./dev) ([a-z][^`#\n]*)", README)
    if not line.startswith(("test", "check"))
]


@pytest.mark.parametrize("line", SHOWN)
def test_every_command_in_the_readme_exists_with_its_options(line: str) -> None:
    check_command(line)


def check_command(line: str) -> None:
    """See that the command of a line exists, with the options that the line gives it."""
    known = commands()
    words = line.split()
    names = next(
        (tuple(words[:count]) for count in (2, 1) if tuple(words[:count]) in known),
        None,
    )
    if names is None and line in {group for group, *below in known if below}:
        return
    assert names is not None, line
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert options <= known[names]


def test_every_command_is_in_the_readme() -> None:
    for words in commands():
        assert f"`actor-oauth {' '.join(words)}" in README
