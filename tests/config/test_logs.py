import io
import json
import logging
from collections.abc import Iterator
from typing import Protocol

import hypothesis.strategies as st
import pytest
import structlog
from hpack import Decoder, Encoder
from hypothesis import given

from actor_oauth.config import LogFormat, LogLevel, configure_logging
from actor_oauth.config.redaction import redact, redact_text


class Log(Protocol):
    """Configures logging; gives what is written to."""

    def __call__(
        self, log_format: LogFormat, level: LogLevel = LogLevel.INFO
    ) -> io.StringIO: ...


SECRET = "Zm9yZ2V0LW1lLW5vdC1mb3JnZXQtbWUtbm90LTEyMzQ1"
TOKEN = f"aort_{SECRET}"


@pytest.fixture
def log() -> Iterator[Log]:
    root = logging.getLogger()
    before = root.handlers, root.level

    def configure(
        log_format: LogFormat, level: LogLevel = LogLevel.INFO
    ) -> io.StringIO:
        stream = io.StringIO()
        configure_logging(level, log_format, stream)
        return stream

    yield configure
    root.handlers, level = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def leak_everything(logger: logging.Logger, ours: structlog.stdlib.BoundLogger) -> None:
    """Log a token in every way that code, ours or a library's, may do by mistake."""
    logger.warning("refresh with %s", TOKEN)
    logger.warning("form: %r", {"refresh_token": SECRET, "grant": 1})
    logger.warning("GET /callback?code=%s&x=1", SECRET)
    logger.warning("Authorization: Bearer %s", SECRET)
    logger.warning("body: %s", json.dumps({"client_secret": SECRET}))
    ours.warning("refused", token=SECRET, headers={"Set-Cookie": SECRET})
    ours.warning(TOKEN, nested=[{"password": SECRET}, TOKEN], raw=TOKEN.encode())
    try:
        raise ValueError(TOKEN)
    except ValueError:
        logger.exception("failed")
        ours.exception("failed")


@pytest.mark.parametrize("log_format", list(LogFormat))
def test_no_secret_reaches_the_log_by_whatever_way_it_is_logged(
    log: Log, log_format: LogFormat
) -> None:
    stream = log(log_format)
    leak_everything(logging.getLogger("library"), structlog.get_logger("ours"))
    written = stream.getvalue()
    assert SECRET not in written
    assert SECRET[:12] not in written
    assert written.count("[redacted]") >= 10
    assert "ValueError" in written


@pytest.mark.requirement("K-12")
def test_headers_as_they_go_over_the_wire_are_in_no_log(log: Log) -> None:
    stream = log(LogFormat.CONSOLE, LogLevel.DEBUG)
    cookie = f"__Host-theirs={SECRET}"
    encoded = Encoder().encode([("set-cookie", cookie)])
    Decoder().decode(encoded)
    # What httpcore2 says of every answer.
    headers = [(b"Set-Cookie", cookie.encode())]
    logging.getLogger("httpcore2.http11").debug("complete return_value=%r", headers)
    assert stream.getvalue() == ""


def test_a_record_that_cannot_be_formatted_does_not_show_its_arguments(
    log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = log(LogFormat.JSON)
    logging.getLogger("library").warning("%d tokens", TOKEN)
    assert "a log record of library could not be formatted" in stream.getvalue()
    assert SECRET not in stream.getvalue() + "".join(capsys.readouterr())


def test_json_logs_are_one_object_a_line_with_time_level_and_name(
    log: Log,
) -> None:
    stream = log(LogFormat.JSON)
    logging.getLogger("library").info("Running on %s", "http://127.0.0.1:1")
    structlog.get_logger("ours").info("refused", reason="REFRESH_REPLAYED", code=400)
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first["event"] == "Running on http://127.0.0.1:1"
    assert first["logger"] == "library"
    assert first["level"] == "info"
    assert first["timestamp"].endswith("Z")
    assert second["reason"] == "REFRESH_REPLAYED"
    assert second["code"] == 400


@pytest.mark.parametrize("log_format", list(LogFormat))
def test_a_strangers_words_neither_act_on_a_terminal_nor_look_like_a_record(
    log: Log, log_format: LogFormat
) -> None:
    hostile = (
        "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\r\n2026 [info] signed in\x0b\x85\u2028"
    )
    stream = log(log_format)
    ours = structlog.get_logger("ours")
    ours.info("refused", client_id=hostile, detail=hostile.replace(" ", ""))
    ours.info(hostile, listed=[hostile], **{hostile: 1})
    logging.getLogger("library").warning("not read: %s", hostile)
    try:
        raise ValueError(hostile)
    except ValueError:
        ours.exception("failed", client_id=hostile)

    written = stream.getvalue()

    assert written.replace("\n", "").isprintable()
    # A record begins with a date or a brace; a traceback's lines are indented.
    assert sum(line.startswith(("2", "{")) for line in written.splitlines()) == 4


def test_records_below_the_level_are_dropped(
    log: Log,
) -> None:
    stream = log(LogFormat.CONSOLE)
    logging.getLogger("library").debug("nothing")
    logging.getLogger("hypercorn.access").info("nothing")
    structlog.get_logger("ours").debug("nothing")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.usefixtures("log")
def test_colours_are_for_terminals_whose_owner_likes_them(
    monkeypatch: pytest.MonkeyPatch, *, wanted: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", "" if wanted else "1")
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    configure_logging(LogLevel.INFO, LogFormat.CONSOLE, stream)
    structlog.get_logger("ours").info("refused")
    assert ("\x1b[" in stream.getvalue()) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "grant 12ab of user/34cd rotated to generation 7",
        "Running on http://127.0.0.1:8000 (CTRL + C to quit)",
        "GET /authorize 200",
        "exit code: 1",
        "client aocl_Zm9yZ2V0LW1lLW5vdA was registered",
        "token endpoint answered 400 invalid_grant",
    ],
)
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert redact_text(text) == text


@given(
    kind=st.sampled_from(["aoat", "aort", "aoac", "aoss", "aocs"]),
    secret=st.from_regex(r"[A-Za-z0-9_-]{20,90}", fullmatch=True),
    before=st.text(st.characters(exclude_categories=["L", "N", "Pc"]), max_size=5),
)
def test_a_token_of_ours_is_cut_out_of_any_text(
    kind: str, secret: str, before: str
) -> None:
    assert secret not in redact_text(f"{before}{kind}_{secret}{before}")


def test_numbers_flags_and_none_are_no_secrets() -> None:
    assert redact({"code": 400, "token": None, "x": True}) == {
        "code": 400,
        "token": None,
        "x": True,
    }
