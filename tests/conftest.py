"""Rules for the whole test run: what markers mean, and how hypothesis looks."""

import functools
import os
import re
from collections.abc import Iterator
from typing import Final

import httpcore2
import hypothesis
import pytest

from tests.support.programs import find_program, require_all

# A requirement of the wire contract (`D-25`), a race (`M-3`) or a guarantee of the
# runtime (`G3`).
_REQUIREMENT: Final = re.compile(r"[A-N]-\d{1,2}|G\d{1,2}")

# The same examples each time: a red run can be repeated, a slow machine stays green.
hypothesis.settings.register_profile(
    "ci", deadline=None, derandomize=True, max_examples=60, database=None
)
# For a search by hand: HYPOTHESIS_PROFILE=search ./dev test tests/oauth
hypothesis.settings.register_profile("search", deadline=None, max_examples=3000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


_FROM_OUTSIDE: Final = ("system", "mcp")
# Nothing else runs the supervisor and its workers.
_MEASURED: Final = ("test_cli_serve.py",)

# Where files are few, and each keeps a process busy for a while with others that it starts.
_LONG: Final = ("system", "mcp", "bench", "benchmarks", "cli", "clients")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a run in which a marker names something that cannot be meant.

    And begin with what takes long, so that at the end no process waits for another that
    has just begun with a long file.
    """
    problems = [problem for item in items for problem in _marker_problems(item)]
    if problems:
        raise pytest.UsageError(*problems)
    items.sort(key=lambda item: item.path.parent.name not in _LONG)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a missing program, or fail where everything must be there."""
    names = [name for mark in item.iter_markers("needs") for name in mark.args]
    missing = sorted({name for name in names if find_program(name) is None})
    if not missing:
        return
    reason = f"needs {', '.join(missing)}, which is not installed"
    if require_all():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(autouse=True, scope="session")
def certificates_read_once() -> Iterator[None]:
    """Have HTTP clients share what they believe: reading it takes 70 ms for each of them."""
    with pytest.MonkeyPatch.context() as patch:
        once = functools.cache(httpcore2.default_ssl_context)
        patch.setattr(httpcore2, "default_ssl_context", once)
        yield


@pytest.fixture(autouse=True, scope="module")
def unmeasured_programs(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have programs that are driven from outside run without measuring coverage.

    Other tests run the same code in their own process, and a measured program takes half
    as long again to start.
    """
    with pytest.MonkeyPatch.context() as patch:
        path = request.path
        if path.parent.name in _FROM_OUTSIDE and path.name not in _MEASURED:
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield


def _marker_problems(item: pytest.Item) -> list[str]:
    problems = []
    for mark in item.iter_markers("requirement"):
        wrong = [name for name in mark.args if not _REQUIREMENT.fullmatch(str(name))]
        if wrong or not mark.args or mark.kwargs:
            problems.append(f"{item.nodeid}: no such requirement: {wrong}")
    for mark in item.iter_markers("needs"):
        try:
            for name in mark.args:
                find_program(name)
        except KeyError as error:
            problems.append(f"{item.nodeid}: no test may need {error}")
    return problems
