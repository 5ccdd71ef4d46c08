"""Rules for the whole test run: what markers mean, and how hypothesis looks."""

import os
import re
from collections.abc import Sequence
from typing import Final

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


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Refuse a run in which a marker names something that cannot be meant."""
    problems = [problem for item in items for problem in _marker_problems(item)]
    if problems:
        raise pytest.UsageError(*problems)


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
