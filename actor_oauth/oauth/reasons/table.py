"""All rows in one table: each area has a module with the rows of its reasons."""

from typing import Final

from actor_oauth.oauth.reasons import (
    assertions,
    authorization,
    clients,
    device,
    dpop,
    exchange,
    registration,
    requests,
    resources,
    server,
    signing_out,
    tokens,
)
from actor_oauth.oauth.reasons.rows import Row, Rows

AREAS: Final = (
    requests,
    clients,
    authorization,
    signing_out,
    registration,
    tokens,
    device,
    exchange,
    dpop,
    resources,
    assertions,
    server,
)


def join_rows(*tables: Rows) -> dict[str, Row]:
    """Join tables to one.

    Raises:
        ValueError: A reason has two rows.
    """
    joined: dict[str, Row] = {}
    for table in tables:
        repeated = joined.keys() & table.keys()
        if repeated:
            raise ValueError(f"two rows for {', '.join(sorted(repeated))}")
        joined |= table
    return joined


ROWS: Final[Rows] = join_rows(*(area.ROWS for area in AREAS))
