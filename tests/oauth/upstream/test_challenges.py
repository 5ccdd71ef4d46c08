"""Reading `WWW-Authenticate` as RFC 9110 writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.challenge import Challenge, ChallengeError
from actor_oauth.oauth.upstream.challenges import (
    AuthChallenge,
    find_challenge,
    parse_www_authenticate,
)

pytestmark = pytest.mark.requirement("I-03")


def bearer(**parameters: str) -> AuthChallenge:
    return AuthChallenge("bearer", parameters)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Bearer", [bearer()]),
        ("bearer realm=x", [bearer(realm="x")]),
        # Commas, equal signs, escapes and other schemes' names inside quotes.
        (
            r'Bearer realm="a, Basic realm=\"b\", c=d", scope="x y"',
            [bearer(realm='a, Basic realm="b", c=d', scope="x y")],
        ),
        (
            'BEARER Resource_Metadata = "https://a.b/c" ,scope="x"',
            [bearer(resource_metadata="https://a.b/c", scope="x")],
        ),
        # Several challenges in one line, told apart by what follows a comma only.
        (
            'Basic realm="simple", Bearer realm="b", error="invalid_token", Negotiate',
            [
                AuthChallenge("basic", {"realm": "simple"}),
                bearer(realm="b", error="invalid_token"),
                AuthChallenge("negotiate"),
            ],
        ),
        (
            "Negotiate YWJj+/=, Bearer scope=x",
            [AuthChallenge("negotiate", token68="YWJj+/="), bearer(scope="x")],
        ),
        ("Negotiate YWJj==", [AuthChallenge("negotiate", token68="YWJj==")]),
        (", ,Bearer realm=x,, scope=y,", [bearer(realm="x", scope="y")]),
        ('Bearer realm="x" scope="y"', [bearer(realm="x", scope="y")]),
        ('Bearer realm=""', [bearer(realm="")]),
        # Which of two counts, nobody could say.
        ("Bearer realm=x, scope=a, SCOPE=b", [bearer(realm="x")]),
        # Read up to the first mistake.
        (
            'Basic realm=x, Bearer realm="never ends',
            [AuthChallenge("basic", {"realm": "x"})],
        ),
        ("Bearer realm=x y z", [bearer(realm="x")]),
        ("Bearer\trealm=x", [bearer(realm="x")]),
        ("", []),
        ("  ", []),
        ('"Bearer"', []),
        ("Bearer=x", []),
        ('Bearer realm="x"y', []),
        ("Bearer " + "x" * 20_000, []),
    ],
)
def test_a_line_is_read_by_the_grammar(
    line: str, expected: list[AuthChallenge]
) -> None:
    assert list(parse_www_authenticate([line])) == expected


def test_several_lines_are_one_list() -> None:
    found = parse_www_authenticate(["Basic realm=x", "oops=", 'Bearer scope="a"'])

    assert [challenge.scheme for challenge in found] == ["basic", "bearer"]


def test_the_challenge_that_leads_on_is_chosen() -> None:
    basic = AuthChallenge("basic", {"realm": "x"})
    plain = bearer(realm="x")
    bound = AuthChallenge("dpop", {"resource_metadata": "https://a.b/c"})

    assert find_challenge([basic]) is None
    assert find_challenge([basic, plain]) is plain
    assert find_challenge([plain, bound]) is bound
    assert bound.get("resource_metadata") == "https://a.b/c"
    assert bearer(scope="").get("scope") is None


_QUOTABLE = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='"\\')
)


@given(
    scope=st.lists(st.from_regex(r"[a-z:]{1,8}", fullmatch=True), max_size=3),
    description=_QUOTABLE,
)
def test_what_this_server_says_it_also_reads(
    scope: list[str], description: str
) -> None:
    said = Challenge(
        metadata_url="https://a.example/.well-known/oauth-protected-resource/mcp",
        scope=tuple(scope),
        error=ChallengeError.INVALID_TOKEN,
        description=description,
    )

    found = find_challenge(parse_www_authenticate([", ".join(said.lines())]))

    assert found is not None
    assert found.get("resource_metadata") == said.metadata_url
    assert found.get("scope") == (" ".join(scope) or None)
    assert found.get("error_description") == (description or None)


@given(st.text(max_size=200))
def test_nothing_makes_it_fail(line: str) -> None:
    parse_www_authenticate([line, "Bearer " + line])
