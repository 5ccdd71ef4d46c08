"""How a user's actor knows a browser again."""

import hashlib
from dataclasses import replace

from actor_oauth.actors.user.sessions import load_session
from actor_oauth.oauth.consent import BrowserBinding
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.openid import session_name
from actor_oauth.oauth.tokens import TokenKind, parse_token, token_hash
from actor_oauth.runtime import Database


def binding_of(
    db: Database, actor_key: str, browser: str, *, now: int
) -> BrowserBinding | None:
    """Give what binds a transaction to a browser.

    Args:
        db: The user's database.
        actor_key: The key of the user's actor.
        browser: What the browser holds: one of our sessions, or anything else that an
            application with sessions of its own has put there.
        now: The time.

    Returns:
        None if it is a session that has ended, or another user's.
    """
    token = parse_token(browser)
    if token is None or token.kind is not TokenKind.SESSION:
        data = b"actor_oauth browser\0" + browser.encode()
        return BrowserBinding(hashlib.sha256(data).digest(), is_session=False)
    key = token_hash(token)
    if token.actor_key != actor_key or load_session(db, key, now=now) is None:
        return None
    return BrowserBinding(key, is_session=True)


def recognised(
    db: Database, approval: Approval, binding: BrowserBinding, *, now: int
) -> Approval:
    """Give an approval with what ID tokens say of the session that it came from.

    Nothing, if it came from a session of the application's own.
    """
    session = load_session(db, binding.hash, now=now) if binding.is_session else None
    if session is None:
        return approval
    name = session_name(binding.hash)
    return replace(approval, methods=session.methods, session=name)
