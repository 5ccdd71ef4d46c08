"""Untrusted form and query text, turned into fields that have one value.

Repeats and empty values are settled here, once for all endpoints: an empty parameter is
an absent one, and a repeated parameter has no value at all, so that no code can act on
the first copy while other code checked the last (RFC 6749 §3.1, §3.2).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from actor_oauth.oauth.wire import Reason, Refused

MAX_FORM_BYTES: Final = 65536
MAX_FORM_FIELDS: Final = 100

_REPEATABLE: Final = frozenset({"resource", "audience"})


@dataclass(frozen=True, slots=True, repr=False)
class Parameters:
    """The parameters of one request.

    Attributes:
        repeated: The names that came more than once and must not (RFC 8707 §2 allows
            it for `resource`). What to answer is the endpoint's decision.
    """

    _values: Mapping[str, tuple[str, ...]]
    repeated: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        # The values may be codes, tokens and secrets.
        return f"Parameters({', '.join(sorted(self._values))})"

    def get(self, name: str) -> str | None:
        """Give the value of a parameter.

        Returns:
            None if it is absent, empty, or repeated.
        """
        values = self._values.get(name)
        if values is None or len(values) != 1:
            return None
        return values[0] or None

    def getlist(self, name: str) -> tuple[str, ...]:
        """Give all values of a repeatable parameter, without empty and equal ones."""
        return tuple(dict.fromkeys(filter(None, self._values.get(name, ()))))

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def with_value(self, name: str, value: str) -> "Parameters":
        """Give the same parameters with this one value of one of them."""
        repeated = self.repeated - {name}
        return Parameters({**self._values, name: (value,)}, repeated)


def parameters_of(pairs: Iterable[tuple[str, str]]) -> Parameters:
    """Collect names and values that were decoded elsewhere."""
    values: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        values[name] = (*values.get(name, ()), value)
    repeated = frozenset(
        name
        for name, found in values.items()
        if len(found) > 1 and name not in _REPEATABLE
    )
    return Parameters(values, repeated)


def parse_form(body: bytes) -> Parameters | Refused:
    """Read a body, or a query string, of type application/x-www-form-urlencoded.

    Returns:
        Refused if it is too long, or not UTF-8 once decoded. A `%` that begins no valid
        escape is taken literally, as browsers do.

    Source: OAuth 2.1 §3.2, WHATWG URL "application/x-www-form-urlencoded parsing".
    """
    if len(body) > MAX_FORM_BYTES or body.count(b"&") >= MAX_FORM_FIELDS:
        return Refused(Reason.FORM_TOO_LARGE)
    try:
        text = body.decode()
        return parameters_of(_decode_field(field) for field in text.split("&") if field)
    except UnicodeDecodeError:
        return Refused(Reason.FORM_MALFORMED)


def _decode_field(field: str) -> tuple[str, str]:
    name, _, value = field.partition("=")
    return _decode(name), _decode(value)


def _decode(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    return unquote(text, errors="strict") if "%" in text else text
