"""Redemptions at rest: a grant becomes active, with its first tokens."""

from actor_oauth.actors.user.grants import end_superseded_grants, save_redeemed
from actor_oauth.actors.user.late_refreshes import end_contested_grants
from actor_oauth.actors.user.tokens import insert_access_token, insert_refresh_token
from actor_oauth.oauth.redeem_code import Redemption
from actor_oauth.runtime import Database


def save_redemption(db: Database, redemption: Redemption, *, now: int) -> None:
    """Save a redemption that was decided; older grants may end with it."""
    grant = redemption.grant
    save_redeemed(db, grant)
    insert_access_token(db, grant.number, redemption.access)
    if redemption.refresh is not None:
        insert_refresh_token(db, grant.number, redemption.refresh)
    if grant.supersedes:
        # Not before: a code that is never redeemed must not cost the user the
        # installation that works (C-21).
        end_superseded_grants(db, grant, now=now)
    end_contested_grants(db, grant, now=now)
