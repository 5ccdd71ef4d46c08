"""Browser secrets, which prove the browser that an answer comes from."""

from base64 import urlsafe_b64encode
from typing import Final

from actor_oauth.runtime import Entropy

SECRET_BYTES: Final = 32

MIN_LENGTH: Final = 20
"""Characters that nobody guesses. An empty or absent cookie is none."""


def new_browser_secret(entropy: Entropy) -> str:
    """Generate a secret for one browser; fit for a cookie."""
    return urlsafe_b64encode(entropy.token_bytes(SECRET_BYTES)).decode().rstrip("=")


def check_browser(browser: str) -> None:
    """See that a browser holds something that tells it from others.

    Raises:
        ValueError: If that is too short.
    """
    if len(browser) < MIN_LENGTH:
        raise ValueError(
            f"browser: at least {MIN_LENGTH} characters that no other browser holds, "
            "such as those of new_browser_secret()"
        )
