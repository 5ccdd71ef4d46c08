"""The challenge header, read back by a parser of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.challenge import Challenge, ChallengeError
from tests.support.challenges import parse_challenge

URL = "https://mcp.example/.well-known/oauth-protected-resource/mcp"


@pytest.mark.requirement("G-03", "G-07")
def test_without_credentials_the_challenge_names_the_metadata_and_scope_but_no_error() -> (
    None
):
    challenge = Challenge(metadata_url=URL, scope=("mcp", "files:read"))
    assert challenge.status == 401
    assert parse_challenge(challenge.render()) == {
        "scope": "mcp files:read",
        "resource_metadata": URL,
    }


@pytest.mark.requirement("G-04", "G-07", "G-08")
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ChallengeError.INVALID_REQUEST, 400),
        (ChallengeError.INVALID_TOKEN, 401),
        (ChallengeError.INSUFFICIENT_SCOPE, 403),
    ],
)
def test_each_error_has_its_status(error: ChallengeError, status: int) -> None:
    challenge = Challenge(metadata_url=URL, error=error, description="Why.")
    assert challenge.status == status
    assert parse_challenge(challenge.render()) == {
        "error": error.value,
        "error_description": "Why.",
        "resource_metadata": URL,
    }


@pytest.mark.requirement("G-10")
@pytest.mark.parametrize("bad", ['a"b', "a\\b", "a\r\nX-Evil: 1", "ä", "\x7f", "\t"])
@pytest.mark.parametrize("field", ["scope", "description", "metadata_url"])
def test_what_could_end_the_string_or_the_line_is_not_put_in(
    bad: str, field: str
) -> None:
    values: dict[str, str] = {"metadata_url": URL, "description": "d", field: bad}
    with pytest.raises(ValueError, match="challenge"):
        Challenge(
            metadata_url=values["metadata_url"],
            scope=(values.get("scope", "mcp"),),
            error=ChallengeError.INVALID_TOKEN,
            description=values["description"],
        )


@pytest.mark.requirement("G-10")
@given(
    st.lists(st.text(max_size=12), max_size=4),
    st.none() | st.text(max_size=40),
    st.sampled_from([None, *ChallengeError]),
)
def test_every_challenge_that_can_be_made_can_be_read(
    scope: list[str], description: str | None, error: ChallengeError | None
) -> None:
    try:
        challenge = Challenge(
            metadata_url=URL, scope=tuple(scope), error=error, description=description
        )
    except ValueError:
        return
    read = parse_challenge(challenge.render())
    assert read["resource_metadata"] == URL
    assert read.get("scope", "") == " ".join(scope)
    assert ("error" in read) == (error is not None)
