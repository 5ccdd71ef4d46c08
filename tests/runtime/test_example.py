"""The guide's example does what the guide says."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_list_is_there_when_the_program_runs_again(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "examples/todo_actor.py"), str(tmp_path)]

    said = [
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    ]

    assert said[0] == "ada []\nbob ['write the guide']\n"
    assert said[1] == "ada []\nbob ['write the guide', 'write the guide']\n"


def test_the_guide_shows_no_method_that_the_example_lacks() -> None:
    guide = (ROOT / "docs/actors.md").read_text()
    example = (ROOT / "examples/todo_actor.py").read_text()

    for shown in ('class TodoList(Actor, kind="todo"):', "def add(", "def items("):
        assert shown in guide
        assert shown in example
