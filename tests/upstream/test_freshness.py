"""How long an answer says that it stays fresh."""

import pytest

from actor_oauth.upstream.freshness import fresh_for


@pytest.mark.requirement("B-16")
@pytest.mark.parametrize(
    ("lines", "age", "seconds"),
    [
        ([], None, None),
        (["public"], None, None),
        (["max-age=300"], None, 300),
        (["public, Max-Age=300"], "100", 200),
        (["public", "max-age=300"], "400", 0),
        (['max-age="300"'], None, 300),
        (["max-age=300, s-maxage=60"], None, 60),
        (["max-age=300, max-age=9"], None, 300),
        (["no-store, max-age=300"], None, 0),
        (["no-cache"], None, 0),
        (["private=x, max-age=3"], None, 0),
        (["max-age=-1"], None, None),
        (["max-age=soon"], None, None),
        (["max-age=" + "9" * 400], None, None),
        (["max-age=³"], None, None),
        (["max-age=300"], "x", 300),
    ],
)
def test_freshness_is_read_as_a_shared_cache_reads_it(
    lines: list[str], age: str | None, seconds: int | None
) -> None:
    assert fresh_for(lines, age) == seconds
