"""Parsing `WWW-Authenticate` by its grammar (RFC 9110 §11.6.1).

A field holds challenges separated by commas, and so are the parameters of a challenge:
only what follows a comma tells which it is. Values may be quoted, with commas, equal
signs and escapes in them, so that no pattern for one parameter can be trusted (I-03).
Parameters that only a space separates are read too: there are servers that send them,
and nothing else could be meant.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

MAX_FIELD_LENGTH: Final = 16384

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a pattern
_SCHEME: Final = re.compile(_TOKEN)
_SEPARATORS: Final = re.compile(r"[ \t,]*")
_SPACES: Final = re.compile(r"[ \t]*")
_TOKEN68: Final = re.compile(r"([A-Za-z0-9._~+/-]+=*)[ \t]*(?=,|\Z)")
_PARAMETER: Final = re.compile(
    rf'({_TOKEN})[ \t]*=[ \t]*(?:({_TOKEN})|"((?:[^"\\]|\\.)*)")(?=[ \t,]|\Z)'
)
_ESCAPE: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class AuthChallenge:
    """One way in which a server wants its callers to authenticate.

    Attributes:
        scheme: In lower case, such as `bearer`.
        parameters: By name in lower case. A repeated one is left out, since its value
            is ambiguous.
        token68: What some old schemes have in place of parameters.
    """

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    token68: str | None = None

    def get(self, name: str) -> str | None:
        """Give a parameter; None if it is absent or empty."""
        return self.parameters.get(name) or None


def parse_www_authenticate(lines: Iterable[str]) -> tuple[AuthChallenge, ...]:
    """Read all challenges of an answer, in order.

    Args:
        lines: The value of each `WWW-Authenticate` header line.

    Returns:
        Those that follow the grammar. A line is read up to its first mistake.
    """
    return tuple(found for line in lines for found in _parse_line(line))


def find_challenge(challenges: Sequence[AuthChallenge]) -> AuthChallenge | None:
    """Give the challenge that says how to get a token; None without an OAuth one.

    The scheme DPoP comes with the same parameters as Bearer (RFC 9449 §7.1).
    """
    known = [found for found in challenges if found.scheme in ("bearer", "dpop")]
    telling = (found for found in known if found.get("resource_metadata"))
    return next(telling, known[0] if known else None)


def _parse_line(line: str) -> list[AuthChallenge]:
    found: list[AuthChallenge] = []
    if len(line) > MAX_FIELD_LENGTH:
        return found
    position = _skip(_SEPARATORS, line, 0)
    while position < len(line):
        read = _parse_challenge(line, position)
        if read is None:
            break
        challenge, position = read
        found.append(challenge)
        end = _skip(_SPACES, line, position)
        position = _skip(_SEPARATORS, line, end)
        if position == end:
            break
    return found


def _parse_challenge(line: str, position: int) -> tuple[AuthChallenge, int] | None:
    named = _SCHEME.match(line, position)
    if named is None:
        return None
    scheme, position = named[0].lower(), named.end()
    start = _skip(_SPACES, line, position)
    if start == len(line) or line[start] == ",":
        return AuthChallenge(scheme), start
    if start == position:
        return None
    token68 = _TOKEN68.match(line, start)
    if token68 is not None:
        return AuthChallenge(scheme, token68=token68[1]), token68.end()
    parameters, end = _parse_parameters(line, start)
    return None if end == start else (AuthChallenge(scheme, parameters), end)


def _parse_parameters(line: str, position: int) -> tuple[dict[str, str], int]:
    values: dict[str, str] = {}
    repeated: set[str] = set()
    end, start = position, position
    while (read := _PARAMETER.match(line, start)) is not None:
        name = read[1].lower()
        plain = read[2]
        if name in values:
            repeated.add(name)
        values[name] = _ESCAPE.sub(r"\1", read[3]) if plain is None else plain
        end = read.end()
        # What comes next is a parameter, or the scheme of another challenge.
        start = _skip(_SEPARATORS, line, end)
    kept = {name: value for name, value in values.items() if name not in repeated}
    return kept, end


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    assert found is not None
    return found.end()
