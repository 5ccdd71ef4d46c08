"""What an operator may decide about consent, and about asking again."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

ReplacesGrants: TypeAlias = Literal["hosted", "always", "never"]
RemembersConsent: TypeAlias = Literal["assured", "always", "never"]
RefreshTokens: TypeAlias = Literal["always", "offline_access"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentPolicy:
    """Consent, and what follows from it.

    Attributes:
        replaces_grants: Whether a new grant ends the older ones of the same user, client,
            redirect URI and resource: for `hosted` redirect URIs (https), for all, or
            never.
        remembers: For whom a user may have an answer remembered: for clients whose
            identity is `assured` (a secret or key, or an https redirect URI), for all,
            or for none.
        remembered_seconds: For how long, since the user was last asked.
        refresh_tokens: Whether clients get refresh tokens `always`, if they are
            registered for them and the user has not refused `offline_access`; or only
            with `offline_access`.
        shows_logos: Whether the logos of clients are fetched and shown.
    """

    replaces_grants: ReplacesGrants = "hosted"
    remembers: RemembersConsent = "assured"
    remembered_seconds: int = 90 * 86400
    refresh_tokens: RefreshTokens = "always"
    shows_logos: bool = False
