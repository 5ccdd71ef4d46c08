"""One log for everything: ours and the libraries', on standard error, redacted."""

import logging
import os
from typing import Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from actor_oauth.config.redaction import redact_event
from actor_oauth.config.settings import LogFormat, LogLevel

# Their news is not an operator's: `serve` says itself that it is up.
_QUIET_LOGGERS: Final = ("hypercorn", "httpx2", "mcp", "quart")

# At `debug` they show headers as they go over the wire: cookies among them, and encoded
# where no redaction sees them.
_WIRE_LOGGERS: Final = ("hpack", "httpcore2")

# Texts of many lines, which come last.
_TRACEBACKS: Final = frozenset(("exception", "stack"))


class _RedactingHandler(logging.StreamHandler[TextIO]):
    """Writes records; never shows the arguments of one that cannot be written."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        # The standard library prints the raw arguments here, secrets and all.
        self.stream.write(f"a log record of {record.name} could not be formatted\n")


def configure_logging(level: LogLevel, log_format: LogFormat, stream: TextIO) -> None:
    """Send every log record of this process to `stream`, without secrets.

    Args:
        level: Records below this severity are dropped.
        log_format: How a record is written.
        stream: Usually standard error.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = _RedactingHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=_final_processors(log_format, stream)
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _QUIET_LOGGERS:
        quiet = logging.DEBUG if level is LogLevel.DEBUG else logging.WARNING
        logging.getLogger(name).setLevel(max(root.level, quiet))
    for name in _WIRE_LOGGERS:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _final_processors(log_format: LogFormat, stream: TextIO) -> list[Processor]:
    # Tracebacks become text before they are redacted. They never show local
    # variables, which is where the secrets are.
    common: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact_event,
    ]
    if log_format is LogFormat.JSON:
        return [*common, structlog.processors.JSONRenderer()]
    # https://no-color.org, which the command line's own output follows too.
    colours = stream.isatty() and not os.environ.get("NO_COLOR")
    console = structlog.dev.ConsoleRenderer(colors=colours)
    return [*common, _escape_controls, console]


def _escape_controls(
    _logger: WrappedLogger, _method: str, event: EventDict
) -> EventDict:
    """Keep strangers' words from acting on a terminal, or from looking like a record.

    Whatever is neither text nor number the renderer escapes itself.
    """
    escaped: EventDict = {}
    for name, value in event.items():
        if isinstance(value, str):
            lines = value.split("\n") if name in _TRACEBACKS else [value]
            value = "\n  ".join(map(_escaped, lines))  # noqa: PLW2901 - what is shown
        escaped[_escaped(name)] = value
    return escaped


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape").decode()
        for character in text
    )
