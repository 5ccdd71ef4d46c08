"""ARCHITECTURE.md says what the code says."""

import re
import tomllib

from tests.diagrams import PAGE, with_diagrams

ROOT = PAGE.parent


def test_the_diagrams_are_those_of_the_tables() -> None:
    page = PAGE.read_text()

    assert with_diagrams(page) == page, "run: python -m tests.diagrams"


def test_the_layers_are_those_that_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
        "importlinter"
    ]["contracts"]
    layers = next(c["layers"] for c in contracts if c["name"] == "layers")

    assert " > ".join(layers) in PAGE.read_text()


def test_every_file_that_the_page_names_exists() -> None:
    named = re.findall(
        r"`((?:actor_oauth|tests|benchmarks)/[\w/.]+)`", PAGE.read_text()
    )

    assert named
    missing = [name for name in named if not (ROOT / name).exists()]
    assert not missing
