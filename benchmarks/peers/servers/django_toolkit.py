"""django-oauth-toolkit on gunicorn, as its documentation sets it up.

    python -m benchmarks.peers.servers.django_toolkit --gunicorn --port 8000 \\
        --database sqlite:FILE [--grace 3]

Refresh tokens rotate, which is its default. With `--grace` it has the grace period that
it offers, and its protection against reuse, which is off by default. SQLite has a
write-ahead log, full syncs and immediate transactions, as Django's documentation advises;
`--database postgresql:/SOCKET/DIRECTORY` is a server with its own defaults.
"""

import json
import os

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

from benchmarks.peers.servers.minted import (
    LIFETIME_SECONDS,
    arguments,
    become_gunicorn,
)

CONFIGURATION = "PEER_DJANGO"


def database_of(given: str) -> dict[str, object]:
    """Give Django's settings of a database."""
    kind, _, where = given.partition(":")
    if kind == "postgresql":
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "postgres",
            "HOST": where,
            "CONN_MAX_AGE": None,
        }
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": where,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
        },
    }


def configure(database: str, grace: int) -> None:
    """Set Django up."""
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={"default": database_of(database)},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "oauth2_provider",
        ],
        LOGGING_CONFIG=None,
        OAUTH2_PROVIDER={
            "ACCESS_TOKEN_EXPIRE_SECONDS": LIFETIME_SECONDS,
            "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": grace,
            "REFRESH_TOKEN_REUSE_PROTECTION": grace > 0,
        },
        ROOT_URLCONF=f"{__package__}.django_urls",
        SECRET_KEY="bench",
        USE_TZ=True,
    )


def create_app() -> object:
    """Give the server, set up as the environment says."""
    configure(**json.loads(os.environ[CONFIGURATION]))
    return get_wsgi_application()


def main() -> None:
    """Make the database, and go on as gunicorn."""
    options = arguments(name="django_toolkit", database=True)
    given: dict[str, object] = {"database": options.database, "grace": options.grace}
    os.environ[CONFIGURATION] = json.dumps(given)
    configure(options.database, options.grace)
    django.setup()
    call_command("migrate", verbosity=0)
    # Models cannot be imported before.
    from benchmarks.peers.servers.django_minting import prepare  # noqa: PLC0415

    prepare()
    become_gunicorn(f"{__spec__.name}:create_app()", options.port)


if __name__ == "__main__":
    main()
