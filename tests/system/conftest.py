"""Fixtures: a server that several tests meet."""

from collections.abc import Iterator

import pytest

from tests.system.example_server import Example, example_running


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """The example of per-tool permissions, running, with a user."""
    with example_running(tmp_path_factory.mktemp("data")) as running:
        yield running
