"""Redirect URIs: who may receive a code."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from actor_oauth.oauth.clients import ApplicationType
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.redirect_uris import (
    FORBIDDEN_SCHEMES,
    check_application_type,
    check_redirect_uri,
    matches,
    without_loopback_port,
)
from actor_oauth.oauth.uris import LOOPBACK_HOSTS, parse_uri
from actor_oauth.oauth.wire import Reason

RESOURCES = (ResourcePolicy(identifier="https://h.example/mcp"),)
POLICY = Policy(issuer="https://h.example", resources=RESOURCES)
WITH_SCHEMES = Policy(
    issuer="https://h.example",
    resources=RESOURCES,
    private_use_schemes=frozenset(("cursor", "com.example.app")),
)

REAL_CLIENTS = [
    "https://claude.ai/api/mcp/auth_callback",
    "https://claude.com/api/mcp/auth_callback",
    "http://localhost/callback",
    "http://127.0.0.1/callback",
    "http://localhost:3118/callback",
    "https://chatgpt.com/connector/oauth/abc123",
    "https://vscode.dev/redirect",
    "https://insiders.vscode.dev/redirect",
    "http://127.0.0.1/",
    "http://127.0.0.1:33418/",
    "http://localhost:8787/callback",
    "https://www.cursor.com/agents/mcp/oauth/callback",
    "http://127.0.0.1:1455/callback",
    "http://localhost:7777/oauth/callback",
    "http://127.0.0.1:19876/mcp/oauth/callback",
    "http://localhost:3335/oauth/callback",
    "http://localhost:6274/oauth/callback",
    "http://localhost:6274/oauth/callback/debug",
    "https://oauth.n8n.cloud/oauth2/callback",
    "http://[::1]:4000/cb",
]


@pytest.mark.requirement("B-02")
@pytest.mark.parametrize("uri", REAL_CLIENTS)
def test_the_redirect_uris_of_real_clients_may_be_registered(uri: str) -> None:
    assert check_redirect_uri(uri, POLICY) is None
    assert matches(uri, uri)


@pytest.mark.requirement("B-03")
@pytest.mark.parametrize(
    "uri",
    [
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "CURSOR://anysphere.cursor-mcp/oauth/callback",
        "com.example.app:/callback",
    ],
)
def test_a_private_use_scheme_needs_the_operators_word(uri: str) -> None:
    assert check_redirect_uri(uri, POLICY) is Reason.REDIRECT_URI_SCHEME
    assert check_redirect_uri(uri, WITH_SCHEMES) is None


@pytest.mark.requirement("B-02", "B-03")
@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("javascript:alert(1)", Reason.REDIRECT_URI_SCHEME),
        ("JavaScript:alert(1)", Reason.REDIRECT_URI_SCHEME),
        ("javascript://h.example/%0aalert(1)", Reason.REDIRECT_URI_SCHEME),
        ("java\tscript:alert(1)", Reason.REDIRECT_URI_MALFORMED),
        (" javascript:alert(1)", Reason.REDIRECT_URI_MALFORMED),
        ("data:text/html,x", Reason.REDIRECT_URI_SCHEME),
        ("vbscript:x", Reason.REDIRECT_URI_SCHEME),
        ("file:///etc/passwd", Reason.REDIRECT_URI_MALFORMED),
        ("file:/etc/passwd", Reason.REDIRECT_URI_SCHEME),
        ("blob:https://h.example/x", Reason.REDIRECT_URI_SCHEME),
        ("about:blank", Reason.REDIRECT_URI_SCHEME),
        ("ftp://h.example/", Reason.REDIRECT_URI_SCHEME),
        ("ws://localhost/", Reason.REDIRECT_URI_SCHEME),
        ("urn:ietf:wg:oauth:2.0:oob", Reason.REDIRECT_URI_SCHEME),
        ("http://h.example/cb", Reason.REDIRECT_URI_NOT_LOOPBACK),
        ("http://localhost.evil.com/cb", Reason.REDIRECT_URI_NOT_LOOPBACK),
        ("http://localhost./cb", Reason.REDIRECT_URI_NOT_LOOPBACK),
        ("http://127.0.0.1.evil.com/cb", Reason.REDIRECT_URI_NOT_LOOPBACK),
        ("http://127.0.0.2/cb", Reason.REDIRECT_URI_NOT_LOOPBACK),
        ("http://127.1/cb", Reason.REDIRECT_URI_NOT_LOOPBACK),
        ("http://2130706433/cb", Reason.REDIRECT_URI_NOT_LOOPBACK),
        ("http://0x7f000001/cb", Reason.REDIRECT_URI_NOT_LOOPBACK),
        ("http://0.0.0.0/cb", Reason.REDIRECT_URI_NOT_LOOPBACK),
        ("http://[::ffff:127.0.0.1]/cb", Reason.REDIRECT_URI_NOT_LOOPBACK),
        ("http://[0:0:0:0:0:0:0:1]/cb", Reason.REDIRECT_URI_NOT_LOOPBACK),
        ("http://localhost@evil.com/cb", Reason.REDIRECT_URI_USERINFO),
        ("http://localhost:80@evil.com/cb", Reason.REDIRECT_URI_USERINFO),
        ("https://u:p@h.example/cb", Reason.REDIRECT_URI_USERINFO),
        ("https://@h.example/cb", Reason.REDIRECT_URI_USERINFO),
        ("https://h.example/cb#f", Reason.REDIRECT_URI_FRAGMENT),
        ("https://h.example/cb#", Reason.REDIRECT_URI_FRAGMENT),
        ("https://h.example\\@evil.com/", Reason.REDIRECT_URI_MALFORMED),
        ("https://evil.com\\.h.example/", Reason.REDIRECT_URI_MALFORMED),
        ("http://localhost\\.evil.com/", Reason.REDIRECT_URI_MALFORMED),
        ("https://h.example/\r\nSet-Cookie: a=b", Reason.REDIRECT_URI_MALFORMED),
        ("https://h.example/\0", Reason.REDIRECT_URI_MALFORMED),
        ("https://h.example/a b", Reason.REDIRECT_URI_MALFORMED),
        ("https://ḣ.example/", Reason.REDIRECT_URI_MALFORMED),
        ("http://loc\u0430lhost/", Reason.REDIRECT_URI_MALFORMED),
        ("http://localhost\uff0eevil.com/", Reason.REDIRECT_URI_MALFORMED),
        ("https:h.example/cb", Reason.REDIRECT_URI_MALFORMED),
        ("https:/h.example/cb", Reason.REDIRECT_URI_MALFORMED),
        ("http:localhost/cb", Reason.REDIRECT_URI_MALFORMED),
        ("//h.example/cb", Reason.REDIRECT_URI_MALFORMED),
        ("/cb", Reason.REDIRECT_URI_MALFORMED),
        ("*", Reason.REDIRECT_URI_MALFORMED),
        ("https://*.h.example/", Reason.REDIRECT_URI_MALFORMED),
        ("", Reason.REDIRECT_URI_MALFORMED),
        ("https://h.example/" + "a" * 2048, Reason.REDIRECT_URI_TOO_LONG),
        ("https://h.example/cb?code=mine", Reason.REDIRECT_URI_QUERY),
        ("https://h.example/cb?a=b&st%61te=x", Reason.REDIRECT_URI_QUERY),
    ],
)
def test_what_could_hand_a_code_to_a_stranger_is_refused(
    uri: str, reason: Reason
) -> None:
    assert check_redirect_uri(uri, POLICY) is reason


@pytest.mark.requirement("B-03")
@pytest.mark.parametrize("scheme", sorted(FORBIDDEN_SCHEMES))
def test_no_configuration_allows_what_a_browser_acts_on_itself(scheme: str) -> None:
    careless = Policy(
        issuer="https://h.example",
        resources=RESOURCES,
        private_use_schemes=FORBIDDEN_SCHEMES,
    )
    assert check_redirect_uri(f"{scheme}:x", careless) is Reason.REDIRECT_URI_SCHEME


@given(st.text())
def test_checking_never_raises(uri: str) -> None:
    check_redirect_uri(uri, POLICY)
    matches(uri, uri)
    matches("http://localhost/callback", uri)


@pytest.mark.requirement("B-04")
@pytest.mark.parametrize(
    ("registered", "requested"),
    [
        # Claude Code registers portless URIs and listens where it can.
        ("http://localhost/callback", "http://localhost:3118/callback"),
        ("http://localhost/callback", "http://localhost:54321/callback"),
        ("http://127.0.0.1/callback", "http://127.0.0.1:8080/callback"),
        # VS Code registers both, and falls back to a random port.
        ("http://127.0.0.1/", "http://127.0.0.1:33418/"),
        ("http://127.0.0.1:33418/", "http://127.0.0.1:49152/"),
        ("http://127.0.0.1:33418/", "http://127.0.0.1/"),
        # Gemini CLI, mcp-remote and Copilot CLI pick another port the next day.
        (
            "http://localhost:7777/oauth/callback",
            "http://localhost:7778/oauth/callback",
        ),
        (
            "http://localhost:3335/oauth/callback",
            "http://localhost:9999/oauth/callback",
        ),
        ("http://[::1]/cb", "http://[::1]:9/cb"),
        ("http://localhost:1/cb?a=b", "http://localhost:2/cb?a=b"),
    ],
)
def test_the_port_of_a_loopback_uri_is_free(registered: str, requested: str) -> None:
    assert matches(registered, requested)


@pytest.mark.requirement("B-04")
@pytest.mark.parametrize(
    ("registered", "requested"),
    [
        ("http://localhost/callback", "http://127.0.0.1/callback"),
        ("http://127.0.0.1/callback", "http://localhost:1/callback"),
        ("http://127.0.0.1/callback", "http://[::1]/callback"),
        ("http://localhost/callback", "http://localhost:1/callback/"),
        ("http://localhost/callback", "http://localhost:1/Callback"),
        ("http://localhost/callback", "http://localhost:1/other"),
        ("http://localhost/callback", "http://localhost:1/callback?x=y"),
        ("http://localhost/callback?x=y", "http://localhost:1/callback"),
        ("http://localhost/callback", "http://localhost:1/callback#f"),
        ("http://localhost/callback", "http://localhost:1/x/../callback"),
        ("http://localhost/callback", "https://localhost:1/callback"),
        ("http://localhost/callback", "http://u@localhost:1/callback"),
        ("http://localhost/callback", "http://localhost:1@evil.com/callback"),
        ("http://localhost/callback", "http://localhost.evil.com/callback"),
        ("http://localhost/callback", "http://LOCALHOST:1/callback"),
        ("http://localhost/callback", "http://localhost:/callback"),
        ("http://localhost/callback", "http://localhost:99999/callback"),
        ("http://localhost/callback", "http://localhost:1\\@evil.com/callback"),
        ("http://127.0.0.1", "http://127.0.0.1:1/"),
        ("https://localhost/cb", "https://localhost:1/cb"),
        ("https://h.example/cb", "https://h.example:443/cb"),
        ("https://h.example/cb", "https://h.example:8443/cb"),
        ("https://h.example/cb", "HTTPS://h.example/cb"),
        ("https://h.example/cb", "https://H.example/cb"),
        ("https://h.example/cb", "https://h.example/cb/"),
        ("https://h.example/cb", "https://h.example/cb?x"),
        ("https://h.example/cb", "https://h.example/%63b"),
        ("https://h.example/cb", "https://h.example/cb/../evil"),
        ("https://h.example/cb", "https://h.example.evil.com/cb"),
        ("https://h.example", "https://h.example/"),
        ("cursor://a/cb", "cursor://a:1/cb"),
        ("nonsense", "http://localhost/cb"),
    ],
)
def test_everything_else_must_be_equal(registered: str, requested: str) -> None:
    assert not matches(registered, requested)


@pytest.mark.requirement("B-04")
@given(
    st.sampled_from(sorted(LOOPBACK_HOSTS)),
    st.none() | st.integers(1, 65535),
    st.none() | st.integers(1, 65535),
    st.from_regex(r"(/[a-z0-9]{0,5}){0,3}(\?[a-z=]{0,5})?", fullmatch=True),
)
def test_any_two_ports_of_one_loopback_uri_match(
    host: str, one: int | None, other: int | None, rest: str
) -> None:
    left, right = (
        f"http://{host}{'' if port is None else f':{port}'}{rest}"
        for port in (one, other)
    )
    assert matches(left, right)


@given(
    st.sampled_from(REAL_CLIENTS),
    st.integers(0, 60),
    st.sampled_from("/?#@:.\\%ax0 \t"),
)
def test_one_character_more_is_a_match_only_within_the_port(
    uri: str, position: int, extra: str
) -> None:
    changed = uri[:position] + extra + uri[position:]
    if not matches(uri, changed):
        return
    before, after = parse_uri(uri), parse_uri(changed)
    assume(before is not None and after is not None)
    assert before is not None
    assert after is not None
    assert before.is_loopback
    assert (before.host, before.path, before.query) == (
        after.host,
        after.path,
        after.query,
    )


@pytest.mark.requirement("B-27")
@pytest.mark.parametrize(
    ("application_type", "uris", "reason"),
    [
        ("web", ["https://h.example/cb"], None),
        ("web", ["https://localhost/cb"], Reason.REDIRECT_URI_APPLICATION_TYPE),
        (
            "web",
            ["https://h.example/cb", "http://localhost/cb"],
            Reason.REDIRECT_URI_APPLICATION_TYPE,
        ),
        ("web", ["cursor://a/cb"], Reason.REDIRECT_URI_APPLICATION_TYPE),
        ("web", ["nonsense"], Reason.REDIRECT_URI_APPLICATION_TYPE),
        ("native", ["http://localhost/cb", "https://vscode.dev/redirect"], None),
    ],
)
def test_an_application_type_that_was_stated_must_fit(
    application_type: ApplicationType, uris: list[str], reason: Reason | None
) -> None:
    assert check_application_type(uris, application_type) is reason


@pytest.mark.parametrize(
    ("uri", "spelling"),
    [
        ("http://127.0.0.1:8765/cb?a=:8765", "http://127.0.0.1/cb?a=:8765"),
        ("http://[::1]:1/cb", "http://[::1]/cb"),
        ("http://localhost/cb", "http://localhost/cb"),
        ("https://localhost:8443/cb", "https://localhost:8443/cb"),
        ("https://app.example:8443/cb", "https://app.example:8443/cb"),
        ("com.example.app:/cb", "com.example.app:/cb"),
    ],
)
def test_loopback_uris_that_match_have_one_spelling(uri: str, spelling: str) -> None:
    assert without_loopback_port(uri) == spelling
    assert without_loopback_port(spelling) == spelling
    assert matches(uri, spelling)
