"""What the callback said about a generation, at rest."""

from actor_oauth.actors.user.tokens import insert_access_token
from actor_oauth.oauth.grants import Grant, IssuedAccessToken
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.refresh_chain import Chain, Retry
from actor_oauth.oauth.token_changes import (
    OWN_PROPS_VERSION,
    ChangedIssue,
    SealedProps,
    Terms,
    apply_terms,
)
from actor_oauth.oauth.tokens import TokenResponse, parse_token, token_hash
from actor_oauth.runtime import Database


def retry_on_terms(
    db: Database, grant: Grant, chain: Chain, retry: Retry
) -> TokenResponse | Refused:
    """Save what a retry issues, held to the terms of its generation."""
    row: tuple[str | None] = db.execute(
        "SELECT terms FROM grants WHERE number = ?", (grant.number,)
    ).fetchone()
    if row[0] is None:
        if retry.access is not None:
            insert_access_token(db, grant.number, retry.access)
        return retry.response
    terms, head = (
        Terms.from_record(row[0]),
        parse_token(retry.response.refresh_token or ""),
    )
    assert head is not None
    held = apply_terms(
        terms,
        retry.access,
        retry.response,
        grant,
        head=head,
        head_data_key=chain.later[-1].data_key,
    )
    if isinstance(held, Refused):
        return held
    access, response = held
    if access is not None:
        insert_access_token(db, grant.number, access)
        if terms.salt is not None:
            _copy_own_props(db, grant.number, access)
    return response


def save_changes(db: Database, grant: Grant, changed: ChangedIssue) -> None:
    """Store what the callback changed, after the tokens themselves.

    Args:
        db: The user's database.
        grant: As it was before.
        changed: What was issued.
    """
    access = changed.issue.access
    if changed.props is not None:
        _save_props(db, grant, changed.props, access)
    if changed.own_props is not None:
        db.execute(
            "UPDATE access_tokens SET props_version = ?, props = ?"
            " WHERE number = ? AND generation = ? AND hash = ?",
            (OWN_PROPS_VERSION, changed.own_props, *_key(grant.number, access)),
        )
    end = changed.issue.expires_at
    if end < grant.expires_at:
        # Tokens already issued end with the grant, whatever lifetime was reported.
        db.execute(
            "UPDATE access_tokens SET expires_at = min(expires_at, ?) WHERE number = ?",
            (end, grant.number),
        )
    db.execute(
        "UPDATE grants SET claim = NULL, claimed_until = NULL, terms = ?,"
        " expires_at = ? WHERE number = ?",
        (changed.terms.to_record(), end, grant.number),
    )


def _save_props(
    db: Database, grant: Grant, props: SealedProps, access: IssuedAccessToken
) -> None:
    # Access tokens that are out have the key to the version before: they keep it (K-07).
    db.execute(
        "UPDATE access_tokens SET (props_version, props) = (SELECT g.props_version,"
        " g.props FROM grants AS g WHERE g.number = access_tokens.number)"
        " WHERE number = ? AND hash != ? AND props IS NULL AND data_key IS NOT NULL"
        " AND expires_at > ?",
        (grant.number, token_hash(access.token), access.issued_at),
    )
    db.execute(
        "UPDATE grants SET props_version = ?, props = ? WHERE number = ?",
        (props.version, props.sealed, grant.number),
    )


def _copy_own_props(db: Database, number: int, access: IssuedAccessToken) -> None:
    db.execute(
        "UPDATE access_tokens SET (props_version, props) = (SELECT s.props_version,"
        " s.props FROM access_tokens AS s WHERE s.number = ? AND s.generation = ?"
        " AND s.props IS NOT NULL LIMIT 1)"
        " WHERE number = ? AND generation = ? AND hash = ?",
        (number, access.generation, *_key(number, access)),
    )


def _key(number: int, access: IssuedAccessToken) -> tuple[int, int, bytes]:
    return number, access.generation, token_hash(access.token)
