"""Reading the challenges of resources."""

import re

_PARAMETER = re.compile(r'([a-z_]+)="([\x20-\x21\x23-\x5B\x5D-\x7E]*)"')


def parse_challenge(header: str) -> dict[str, str]:
    """Read a Bearer challenge by its grammar; fail on anything else."""
    assert header.startswith("Bearer ")
    rest = header.removeprefix("Bearer ")
    found = _PARAMETER.findall(rest)
    assert ", ".join(f'{name}="{value}"' for name, value in found) == rest
    assert len({name for name, _ in found}) == len(found)
    return dict(found)
