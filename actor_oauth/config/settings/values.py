"""Kinds of values that several groups of settings have."""

from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode


def _split_words(value: object) -> object:
    """Take `a, b c` for a list of words: the environment holds only text."""
    if isinstance(value, str):
        return value.replace(",", " ").split()
    return value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_words)]
Seconds = Annotated[int, Field(ge=1, le=10 * 365 * 86400)]
