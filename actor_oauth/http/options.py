"""What an operator may decide about HTTP: one frozen value, built by config."""

from dataclasses import dataclass, field, replace

from actor_oauth.actors.throttle import Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """Limits and modes of the authorization server's HTTP side.

    Attributes:
        service_name: What the pages call this service.
        auto_approve_user: Every authorization request is granted at once to this
            user, with neither login nor consent. For tests and demonstrations only;
            config refuses it unless the issuer is a loopback address.
        trusted_proxy_hops: How many reverse proxies append to `X-Forwarded-For`.
        has_passwords: Whether people may sign in with a password.
        body_bytes: The largest body of a request that is read.
        body_seconds: How long a request's body may take to arrive.
        login_rate: Attempts to sign in, for each address.
        device_code_rate: Codes of devices that are typed, for each address.
        connect_rate: Sign-ins that are begun at other services, for each person.
        confirms_connections: Whether a link to the vault's sign-in asks before it leads
            to another service.
        authorize_rate: Authorization requests of browsers in which nobody is signed in,
            for each address. There may be many people behind one.
        authorize_user_rate: Authorization requests of each signed-in person.
        device_rate: Device authorizations that are begun, for each address.
        registration_rate: Dynamic registrations, for each address.
        client_failure_rate: Failed client authentications, for each address and
            client identifier (E-09).
        address_failure_rate: The same, for each address and whatever client.
    """

    service_name: str = "Actor OAuth"
    auto_approve_user: str | None = None
    trusted_proxy_hops: int = 0
    has_passwords: bool = True
    body_bytes: int = 65536
    body_seconds: float = 15.0
    login_rate: Rate = field(default_factory=lambda: Rate(burst=20, interval=3.0))
    device_code_rate: Rate = field(
        default_factory=lambda: Rate(burst=30, interval=10.0)
    )
    authorize_rate: Rate = field(default_factory=lambda: Rate(burst=240, interval=0.25))
    authorize_user_rate: Rate = field(
        default_factory=lambda: Rate(burst=120, interval=0.5)
    )
    connect_rate: Rate = field(default_factory=lambda: Rate(burst=20, interval=6.0))
    confirms_connections: bool = True
    device_rate: Rate = field(default_factory=lambda: Rate(burst=30, interval=5.0))
    registration_rate: Rate = field(
        default_factory=lambda: Rate(burst=60, interval=6.0)
    )
    client_failure_rate: Rate = field(
        default_factory=lambda: Rate(burst=20, interval=3.0)
    )
    address_failure_rate: Rate = field(
        default_factory=lambda: Rate(burst=200, interval=0.5)
    )

    def among(self, workers: int) -> "HttpOptions":
        """Give the options for each of several workers: guessing is no easier for them."""
        return replace(
            self,
            login_rate=self.login_rate.among(workers),
            device_code_rate=self.device_code_rate.among(workers),
            client_failure_rate=self.client_failure_rate.among(workers),
            address_failure_rate=self.address_failure_rate.among(workers),
        )
