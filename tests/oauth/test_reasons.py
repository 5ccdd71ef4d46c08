"""The list of reasons and the tables of their rows belong together."""

import pytest

from actor_oauth.oauth.categories import Category
from actor_oauth.oauth.reasons import Reason
from actor_oauth.oauth.reasons.rows import Row
from actor_oauth.oauth.reasons.table import ROWS, join_rows


def test_every_row_is_that_of_a_reason() -> None:
    assert ROWS.keys() == {reason.value for reason in Reason}


def test_a_reason_is_logged_by_its_name() -> None:
    assert all(reason.value == reason.name.lower() for reason in Reason)


def test_a_reason_has_one_row() -> None:
    table = {"grant_expired": Row(Category.INVALID_GRANT)}
    with pytest.raises(ValueError, match="two rows for grant_expired"):
        join_rows(table, table)
