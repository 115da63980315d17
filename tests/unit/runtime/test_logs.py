"""What a log line shows and what it hides."""

from __future__ import annotations

import logging

import structlog
from pydantic import SecretStr
from sealwright_common.runtime.telemetry.calls import tracer

from tests.support.logs import captured


def test_a_line_is_json_with_service_level_and_time() -> None:
    with captured() as log:
        structlog.get_logger("x").info("hello", count=3)
        structlog.get_logger("x").debug("not shown")
        logging.getLogger("library").warning("from %s", "afar")
    first, second = log.events
    assert (first["event"], first["count"], first["service"], first["level"]) == ("hello", 3, "test", "info")
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["logger"]) == ("from afar", "library")


def test_secrets_are_redacted() -> None:
    with captured() as log:
        structlog.get_logger().warning(
            "connecting to postgresql://u:marker@h/d",
            dsn="marker",
            user_pin="marker",
            token="marker",
            nested={"password": "marker", "fine": "shown"},
            uri="pkcs11:token=x?pin-value=marker",
            key="-----BEGIN PRIVATE KEY-----\nmarker\n-----END PRIVATE KEY-----",
            setting=SecretStr("marker"),
            raw=b"marker",
            several=["nats://u:marker@h"],
            pinned="shown",
        )
    assert "marker" not in log.text
    assert log.events[0]["nested"]["fine"] == log.events[0]["pinned"] == "shown"


def _raise() -> None:
    try:
        raise KeyError("marker")
    except KeyError as error:
        raise ValueError("marker") from error


def test_exceptions_are_types_and_places_above_debug_and_texts_at_debug() -> None:
    for level, shown in (("INFO", False), ("DEBUG", True)):
        with captured(level) as log:
            try:
                _raise()
            except ValueError as error:
                structlog.get_logger().error("bad", exc_info=error)
                logging.getLogger("library").exception("worse")
        assert ("marker" in log.text) is shown
        if not shown:
            for event in log.events:
                lines = event["exception"]
                assert lines[0] == "builtins.ValueError"
                assert any("in _raise" in line for line in lines)
                assert "builtins.KeyError" in lines


def test_lines_carry_the_running_span() -> None:
    with captured() as log, tracer.start_as_current_span("work") as span:
        structlog.get_logger().info("inside")
    context = span.get_span_context()
    if context.is_valid:
        assert log.events[0]["trace_id"] == f"{context.trace_id:032x}"
