"""JSON logs with trace ids, without secrets, and above DEBUG without exception texts.

An exception's text may hold a key, a claim or a statement with its values. Above DEBUG a log line therefore names the
exception's type and where it was raised, frame by frame, and nothing else of it.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog
from opentelemetry import trace
from pydantic import SecretStr

from sealwright_common.runtime.config import TelemetrySettings

REDACTED = "[redacted]"
MAX_TEXT = 4000
"""Characters of one value that a log line keeps."""

_SECRET_KEY = re.compile(
    r"(^|_)(pin|password|passwd|secret|secrets|dsn|token|tokens|authorization|cookie|private_key|privkey|seed|mnemonic"
    r"|credential|proof|nonce|tx_code|blinding)$",
    re.IGNORECASE,
)
_URL_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):[^/@\s]*@")
_PEM_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL)
_PIN_VALUE = re.compile(r"pin-(?:value|source)=[^&;\s]+", re.IGNORECASE)

Event = MutableMapping[str, Any]


def configure(settings: TelemetrySettings, service: str) -> None:
    """Send all logs of the process, ours and libraries', to standard error in one form."""
    debug = settings.log_level == "DEBUG"
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_trace,
        _Service(service),
        structlog.processors.format_exc_info if debug else exception_without_text,
        redact,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(serializer=_json) if settings.log_format == "json" else _render_text
    )
    level = logging.getLevelNamesMapping()[settings.log_level]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Library chatter that repeats what our own lines say.
    for name in ("uvicorn.error", "uvicorn.access", "asyncio", "opentelemetry"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    # gRPC logs each caller that left early as an error with a traceback; our handlers log every fault themselves.
    logging.getLogger("grpc").setLevel(logging.CRITICAL)


def add_trace(logger: Any, method: str, event: Event) -> Event:
    """The ids of the running span, if there is one."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
        event["span_id"] = f"{context.span_id:016x}"
    return event


def exception_without_text(logger: Any, method: str, event: Event) -> Event:
    """Replace ``exc_info`` by types and places: no message, no values."""
    info = event.pop("exc_info", None)
    error = info if isinstance(info, BaseException) else info[1] if isinstance(info, tuple) else None
    if info is True:
        error = sys.exc_info()[1]
    if error is not None:
        event["exception"] = describe_exception(error)
    return event


def describe_exception(error: BaseException) -> list[str]:
    """The chain of exceptions, outermost first: type, then its frames, innermost last."""
    lines: list[str] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        kind = type(link)
        lines.append(f"{kind.__module__}.{kind.__qualname__}")
        lines += [
            f"  {frame.filename}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(link.__traceback__)[-12:]
        ]
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return lines


def redact(logger: Any, method: str, event: Event) -> Event:
    """Hide values whose key says that they are secret, passwords in URLs, private keys and PINs in texts."""
    for key in list(event):
        event[key] = REDACTED if _SECRET_KEY.search(key) and event[key] is not None else _clean(event[key])
    return event


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        text = value if len(value) <= MAX_TEXT else value[:MAX_TEXT] + "…"
        if "://" in text:
            text = _URL_PASSWORD.sub(r"\1:" + REDACTED + "@", text)
        if "PRIVATE KEY" in text:
            text = _PEM_KEY.sub(REDACTED, text)
        if "pin-" in text:
            text = _PIN_VALUE.sub("pin=" + REDACTED, text)
        return text
    if isinstance(value, dict):
        return redact(None, "", dict(value))
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item) for item in value]
    if isinstance(value, bytes | bytearray | SecretStr):
        return REDACTED
    return value


_console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())


def _render_text(logger: Any, method: str, event: Event) -> str:
    """A line for people; it takes an exception as one text, not as the list of lines that JSON has."""
    if isinstance(event.get("exception"), list):
        event["exception"] = "\n".join(event["exception"])
    return _console(logger, method, event)


class _Service:
    """Adds the service's name to each line."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, logger: Any, method: str, event: Event) -> Event:
        event.setdefault("service", self._name)
        return event


def _json(event: Event, **_: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
