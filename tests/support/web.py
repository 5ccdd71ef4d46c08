"""A small web of our own: names, addresses and real TLS servers, all on this machine.

Names resolve as a test says; a public address leads to a local server's port. The
certificates are signed by an authority that only `Web.ssl_context` believes.
"""

import ssl
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

import httpcore2
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.host_rate import HostRate
from actor_oauth.upstream.network import UnresolvedError

PUBLIC = "203.0.112.10"
PUBLIC_V6 = "2606:4700::10"

Answer = bytes | Callable[[trio.abc.Stream], Awaitable[None]]
_VALID_FROM = datetime(2020, 1, 1, tzinfo=UTC)
_SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def reply(
    body: bytes,
    *headers: str,
    status: str = "200 OK",
    media_type: str = "application/json",
) -> bytes:
    """A whole HTTP response."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Web:
    """What the fetcher under test sees.

    Attributes:
        names: Addresses by host name; each look-up takes the next entry, and the last
            one stays.
        pages: What is answered at a host and target, such as `c.example/client.json`.
        requests: The head of every request, as it arrived.
        dialled: Every address and port that was connected to.
        looked_up: How often each name was resolved.
    """

    port: int
    ssl_context: ssl.SSLContext
    names: dict[str, list[list[str]]]
    pages: dict[str, Answer] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)
    looked_up: Counter[str] = field(default_factory=Counter)
    silent: set[str] = field(default_factory=set)
    held: dict[str, trio.Event] = field(default_factory=dict)
    arrived: defaultdict[str, trio.Event] = field(
        default_factory=lambda: defaultdict(trio.Event)
    )

    def fetcher(
        self,
        *,
        loopback: bool = False,
        concurrency: int = 64,
        rate: HostRate | None = None,
    ) -> Fetcher:
        return Fetcher(
            ssl_context=self.ssl_context,
            loopback=loopback,
            concurrency=concurrency,
            rate=rate,
            resolve=self.resolve,
            dial=self.dial,
        )

    def count(self, page: str) -> int:
        """How often a page was asked for."""
        host, _, target = page.partition("/")
        line = f"GET /{target} HTTP/1.1\r\n"
        return sum(
            head.startswith(line) and f"\r\nHost: {host}\r\n" in head
            for head in self.requests
        )

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.looked_up[host] += 1
        answers = self.names.get(host)
        if not answers:
            raise UnresolvedError(host)
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def dial(self, address: str, port: int) -> httpcore2.AsyncNetworkStream:
        self.dialled.append((address, port))
        if address in self.silent:
            raise httpcore2.ConnectError("no answer")
        local = port if ip_address(address).is_loopback else self.port
        return await httpcore2.TrioBackend().connect_tcp("127.0.0.1", local)

    async def serve(self, stream: trio.abc.Stream) -> None:
        # The client may have had enough, which is what some tests are about.
        with suppress(trio.BrokenResourceError):
            await self._answer(stream)

    async def _answer(self, stream: trio.abc.Stream) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = await stream.receive_some()
            if not chunk:
                return
            head += chunk
        text = head.decode()
        self.requests.append(text)
        target = text.split(" ")[1]
        host = text.partition("\r\nHost: ")[2].partition("\r\n")[0]
        page = host + target
        self.arrived[page].set()
        if page in self.held:
            await self.held[page].wait()
        answer = self.pages.get(page, reply(b"{}", status="404 Not Found"))
        if isinstance(answer, bytes):
            await stream.send_all(answer)
            await stream.aclose()
        else:
            await answer(stream)


@asynccontextmanager
async def open_web(*hosts: str) -> AsyncIterator[Web]:
    """Serve these hosts, each at a public address, with certificates for them."""
    serving, believing = _contexts(hosts or ("c.example",))
    web = Web(
        port=0,
        ssl_context=believing,
        names={host: [[PUBLIC]] for host in hosts or ("c.example",)},
    )
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_ssl_over_tcp_listeners(
            0, serving, host="127.0.0.1", https_compatible=True
        )
        nursery.start_soon(trio.serve_listeners, web.serve, listeners)
        listener = listeners[0].transport_listener
        assert isinstance(listener, trio.SocketListener)
        web.port = listener.socket.getsockname()[1]
        yield web
        nursery.cancel_scope.cancel()


@lru_cache
def _contexts(hosts: tuple[str, ...]) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
    authority = (
        _certificate(authority_name, authority_name, authority_key, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_SIGNS_CERTIFICATES, critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    certificate = (
        _certificate(name, authority_name, key, authority_key)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "server.pem"
        path.write_bytes(
            certificate.public_bytes(Encoding.PEM)
            + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        serving.load_cert_chain(path)
    believing = ssl.create_default_context(
        cadata=authority.public_bytes(Encoding.PEM).decode()
    )
    return serving, believing


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.CertificateBuilder:
    # With both identifiers: from Python 3.13 on, contexts are strict about RFC 5280.
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_VALID_FROM)
        .not_valid_after(_VALID_FROM + timedelta(days=36500))
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
