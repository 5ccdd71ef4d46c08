"""URLs for the SDK, character for character."""

from typing import Final

from pydantic import AnyHttpUrl, ConfigDict, TypeAdapter

_EXACT: Final = TypeAdapter(AnyHttpUrl, config=ConfigDict(url_preserve_empty_path=True))


def as_written(url: str) -> AnyHttpUrl:
    """Give the SDK a URL without a slash that it does not have.

    Clients compare issuers and resources as texts, and `https://as.example/` is another
    one than `https://as.example`.
    """
    return _EXACT.validate_python(url)
