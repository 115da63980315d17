"""The page of promises, made from the markers of passing tests: a promise without a passing test cannot be printed.

``@pytest.mark.promise(6)`` marks a test; ``./mesh test --promises=docs/promises.md`` writes the page when a run ends. A
promise whose marked tests did not all pass is left out.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

PROMISES = {
    1: "kill -9 at any step loses no accepted command and applies none twice",
    2: "duplicates and reordering of events are harmless",
    3: "a crash or restart of the broker loses nothing",
    4: "a total loss of a stream is mended by replay from the outbox",
    5: "a crash of the database loses nothing acknowledged; meanwhile callers get UNAVAILABLE with a time to retry",
    6: "a lost session of the token heals itself",
    7: "a wrong PIN never locks the token: one attempt",
    8: "parallel signing is safe",
    9: "a faulty signature never leaves",
    10: "one released signature for one caller and request id",
    11: "exactly the scheduled keys are active: never a gap, never one slot twice",
    12: "keys are published before they sign and verify after they retire",
    13: "destroying a key waits and can be undone",
    14: "bad input is found before a key is touched",
    15: "a deadline is respected from end to end",
    16: "a graceful stop fails no call in flight",
    17: "overload sheds calls and does not sink the service",
    18: "hostile messages are answered, never a crash",
    19: "no internal text escapes",
    20: "the identity of a caller cannot be spoofed",
    21: "certificates roll without a restart",
    22: "a self-issued token is accepted once",
    23: "a wallet's nonce and code are accepted once",
    24: "algorithm confusion is refused",
    25: "signature nonces never repeat",
    26: "outgoing calls reach no private address",
    27: "data cannot break out of a template",
    28: "clock trouble is refused, not guessed",
    29: "the audit log shows every tampering",
    30: "rate limits hold across instances",
    31: "any start order works",
    32: "releases mix during a rolling upgrade",
    33: "the outbox stays small and prompt",
    34: "one trace from wallet to registry",
    35: "nothing leaks: tasks, sessions, connections, secrets",
    36: "a poison message blocks nobody",
}
"""Number and wording of each promise."""

_PROPERTY = "promise"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds ``--promises FILE``."""
    parser.addoption("--promises", metavar="FILE", help="write the page of kept promises to FILE")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Carries the numbers in each test's report, which also crosses xdist's processes. Unknown numbers are errors."""
    for item in items:
        for marker in item.iter_markers("promise"):
            for number in marker.args:
                if number not in PROMISES:
                    raise pytest.UsageError(f"{item.nodeid}: there is no promise {number}")
                item.user_properties.append((_PROPERTY, number))


class Page:
    """Collects outcomes and writes the page."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.outcomes: dict[int, dict[str, bool]] = defaultdict(dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notes what became of a marked test; set-up and tear-down count as well."""
        for name, number in report.user_properties:
            if name == _PROPERTY:
                test = report.nodeid.split("[")[0]
                kept = report.passed or (report.skipped and report.when == "teardown")
                self.outcomes[int(str(number))][test] = kept and self.outcomes[int(str(number))].get(test, True)

    def pytest_sessionfinish(self) -> None:
        """Writes the page."""
        kept = {number: tests for number, tests in self.outcomes.items() if tests and all(tests.values())}
        lines = [
            "# Promises",
            "",
            "Each line is proven by the tests beside it; the page is written by a run in which they passed",
            "(`./mesh test --promises=docs/promises.md`). What has no passing test does not stand here.",
            "",
            "| # | promise | proven by |",
            "|---|---|---|",
            *(
                f"| {number} | {PROMISES[number]} | {'<br>'.join(f'`{test}`' for test in sorted(kept[number]))} |"
                for number in sorted(kept)
            ),
            "",
            "Not promised: global event order; exactly-once delivery (effects happen once, messages may not); that the",
            "token never makes two signatures for one request (one is released); safety when PostgreSQL's fsync lies;",
            "availability while the database is away.",
            "",
        ]
        self.path.write_text("\n".join(lines))


def pytest_configure(config: pytest.Config) -> None:
    """Registers the page on the process that sees all reports."""
    if (path := config.getoption("--promises")) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Page(Path(str(path))), "promises-page")
