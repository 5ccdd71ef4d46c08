"""That docs/requirements.md says the truth."""

from tests.requirements import PAGE, page, requirements


def test_each_requirement_has_a_place_and_a_test_or_a_reason_to_be_out() -> None:
    assert [one.problem for one in requirements() if one.problem is not None] == []


def test_the_page_is_what_code_and_tests_say_now() -> None:
    assert PAGE.read_text() == page(), "run python -m tests.requirements"
