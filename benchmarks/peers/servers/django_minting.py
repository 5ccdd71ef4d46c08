"""What django_toolkit.py makes by its models: a client, a user, codes and tokens."""

from datetime import timedelta
from secrets import token_urlsafe
from uuid import uuid4

from django.contrib.auth.models import User
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, Grant, RefreshToken

from benchmarks.peers.servers.minted import (
    CLIENT_ID,
    LIFETIME_SECONDS,
    REDIRECT_URI,
    SCOPE,
    lines_of,
    new_verifier,
)

LIFETIME = timedelta(seconds=LIFETIME_SECONDS)


def prepare() -> None:
    """Make the client and the user."""
    User.objects.get_or_create(username="bench")
    Application.objects.get_or_create(
        client_id=CLIENT_ID,
        client_type=Application.CLIENT_PUBLIC,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=REDIRECT_URI,
    )


def mint(kind: str, count: int) -> str:
    """Make codes, or what redeemed codes leave behind."""
    user = User.objects.get(username="bench")
    application = Application.objects.get(client_id=CLIENT_ID)
    make = mint_code if kind == "codes" else mint_grant
    return lines_of([make(user, application) for _ in range(count)])


def mint_code(user: User, application: Application) -> dict[str, str]:
    """Make a code that was not redeemed yet."""
    verifier, challenge = new_verifier()
    code = token_urlsafe(32)
    Grant.objects.create(
        user=user,
        application=application,
        code=code,
        expires=timezone.now() + LIFETIME,
        redirect_uri=REDIRECT_URI,
        scope=SCOPE,
        code_challenge=challenge,
        code_challenge_method="S256",
    )
    return {"code": code, "code_verifier": verifier}


def mint_grant(user: User, application: Application) -> dict[str, str]:
    """Make what a redeemed code leaves behind."""
    access, refresh = token_urlsafe(32), token_urlsafe(32)
    made = AccessToken.objects.create(
        user=user,
        application=application,
        token=access,
        expires=timezone.now() + LIFETIME,
        scope=SCOPE,
    )
    RefreshToken.objects.create(
        user=user,
        application=application,
        token=refresh,
        access_token=made,
        token_family=uuid4(),
    )
    return {"access_token": access, "refresh_token": refresh}
