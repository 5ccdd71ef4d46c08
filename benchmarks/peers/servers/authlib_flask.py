"""Authlib's Flask integration, on SQLAlchemy and SQLite, as its documentation shows it.

    python -m benchmarks.peers.servers.authlib_flask --port 8000 --database FILE

Refresh tokens rotate (`INCLUDE_NEW_REFRESH_TOKEN`), and the used one is revoked in
`revoke_old_credential`. There is no grace period to be set. The database has a
write-ahead log and full syncs. Serves threaded, or goes on as gunicorn with `--gunicorn`.
"""

import os
import sys
from collections.abc import Collection
from secrets import token_urlsafe
from sqlite3 import Connection
from time import time

# The measured server speaks plain HTTP.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.integrations.flask_oauth2 import (
    AuthorizationServer,
    ResourceProtector,
)
from authlib.integrations.sqla_oauth2 import (
    OAuth2AuthorizationCodeMixin,
    OAuth2ClientMixin,
    OAuth2TokenMixin,
    create_bearer_token_validator,
    create_query_client_func,
    create_revocation_endpoint,
    create_save_token_func,
)
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from flask import Flask, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Integer, create_engine, event
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    mapped_column,
    scoped_session,
    sessionmaker,
)
from werkzeug.serving import WSGIRequestHandler, make_server

from benchmarks.peers.servers.minted import (
    CLIENT_ID,
    LIFETIME_SECONDS,
    REDIRECT_URI,
    SCOPE,
    arguments,
    become_gunicorn,
    lines_of,
    new_verifier,
)

session = scoped_session(sessionmaker())


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)

    def get_user_id(self) -> int:
        return self.id


class Client(Base, OAuth2ClientMixin):
    __tablename__ = "oauth2_client"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)


class Code(Base, OAuth2AuthorizationCodeMixin):
    __tablename__ = "oauth2_code"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(Integer)


class Token(Base, OAuth2TokenMixin):
    __tablename__ = "oauth2_token"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(Integer)


class AuthorizationCodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS: Collection[str] = ("none",)

    def query_authorization_code(self, code: str, client: ClientMixin) -> Code | None:
        item = (
            session.query(Code)
            .filter_by(code=code, client_id=client.get_client_id())
            .first()
        )
        return item if item and not item.is_expired() else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        session.delete(authorization_code)
        session.commit()

    def authenticate_user(self, authorization_code: Code) -> User | None:
        return session.get(User, authorization_code.user_id)


class RefreshTokenGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS: Collection[str] = ("none",)
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(  # type: ignore[override]  # None is documented
        self, refresh_token: str
    ) -> Token | None:
        token = session.query(Token).filter_by(refresh_token=refresh_token).first()
        return token if token and not token.is_revoked() else None

    def authenticate_user(self, refresh_token: Token) -> User | None:
        return session.get(User, refresh_token.user_id)

    def revoke_old_credential(self, refresh_token: TokenMixin) -> None:
        assert isinstance(refresh_token, Token)
        refresh_token.access_token_revoked_at = int(time())
        refresh_token.refresh_token_revoked_at = int(time())
        session.add(refresh_token)
        session.commit()


def _sync_fully(connection: Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def open_database(file: str) -> None:
    """Have the session use a database, with its tables, a client and a user."""
    engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": 30})
    event.listen(engine, "connect", _sync_fully)
    session.configure(bind=engine)
    Base.metadata.create_all(engine)
    if session.query(Client).first() is None:
        client = Client(client_id=CLIENT_ID, client_secret="")
        client.set_client_metadata(
            {
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "redirect_uris": [REDIRECT_URI],
                "scope": SCOPE,
                "token_endpoint_auth_method": "none",
            }
        )
        session.add_all([client, User(id=1)])
        session.commit()
    session.remove()


def create_app(file: str) -> Flask:
    """Give the server."""
    open_database(file)
    app = Flask("bench")
    app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
    app.teardown_appcontext(lambda _error: session.remove())
    server = AuthorizationServer()
    server.init_app(
        app,
        query_client=create_query_client_func(session, Client),
        save_token=create_save_token_func(session, Token),
    )
    server.register_grant(AuthorizationCodeGrant, [CodeChallenge(required=True)])
    server.register_grant(RefreshTokenGrant)
    revocation = create_revocation_endpoint(session, Token)
    revocation.CLIENT_AUTH_METHODS = ["none"]
    server.register_endpoint(revocation)
    protector = ResourceProtector()
    protector.register_token_validator(create_bearer_token_validator(session, Token)())

    @app.post("/oauth/token")
    def token() -> ResponseReturnValue:
        # The types are those of the class without a framework.
        return server.create_token_response()  # type: ignore[return-value]

    @app.post("/oauth/revoke")
    def revoke() -> ResponseReturnValue:
        return server.create_endpoint_response(revocation.ENDPOINT_NAME)

    @app.get("/bench/protected")
    @protector(SCOPE)
    def protected() -> str:
        return "{}"

    @app.get("/bench/<kind>")
    def mint(kind: str) -> str:
        make = mint_code if kind == "codes" else mint_grant
        minted = lines_of([make() for _ in range(int(request.args["count"]))])
        session.commit()
        return minted

    return app


def mint_code() -> dict[str, str]:
    """Make a code that was not redeemed yet."""
    verifier, challenge = new_verifier()
    code = Code(
        code=token_urlsafe(36),
        client_id=CLIENT_ID,
        redirect_uri=REDIRECT_URI,
        scope=SCOPE,
        user_id=1,
        code_challenge=challenge,
        code_challenge_method="S256",
    )
    session.add(code)
    return {"code": code.code, "code_verifier": verifier}


def mint_grant() -> dict[str, str]:
    """Make what a redeemed code leaves behind."""
    token = Token(
        client_id=CLIENT_ID,
        user_id=1,
        token_type="Bearer",
        access_token=token_urlsafe(32),
        refresh_token=token_urlsafe(32),
        scope=SCOPE,
        expires_in=LIFETIME_SECONDS,
    )
    session.add(token)
    return {"access_token": token.access_token, "refresh_token": token.refresh_token}


class Silent(WSGIRequestHandler):
    def log_request(self, *_arguments: object) -> None:
        pass


def main() -> None:
    """Serve."""
    options = arguments(name="authlib_flask", database=True)
    if options.gunicorn:
        open_database(options.database)
        become_gunicorn(
            f"{__spec__.name}:create_app({options.database!r})", options.port
        )
    server = make_server(
        "127.0.0.1",
        options.port,
        create_app(options.database),
        threaded=True,
        request_handler=Silent,
    )
    print(f"listening on http://127.0.0.1:{server.server_port}", file=sys.stderr)
    server.serve_forever()


if __name__ == "__main__":
    main()
