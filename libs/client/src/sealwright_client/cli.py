"""The ``sealwright`` command: finds its verbs in :mod:`sealwright_client.commands` and loads only the one in use."""

from __future__ import annotations

import logging
import pkgutil
import sys
from importlib import import_module
from typing import Any

import structlog
import typer
from typer.core import TyperGroup

from sealwright_client import commands

_ROOT_ONLY = ("install_completion", "show_completion")


class Verbs(TyperGroup):
    """Verbs by module name (``grpcurl_flags`` is ``grpcurl-flags``); one verb does not pay for another's imports."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all verbs, sorted."""
        return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The verb ``cmd_name``; None if there is none."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f"{commands.__name__}.{cmd_name.replace('-', '_')}")
        verb = typer.main.get_command(module.app)
        verb.name = cmd_name
        verb.params = [option for option in verb.params if option.name not in _ROOT_ONLY]
        return verb


app = typer.Typer(
    cls=Verbs,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Issue, sign, rotate and look at what the Sealwright mesh holds. Every verb takes --json.",
)


@app.callback()
def root() -> None:
    """Issue, sign, rotate and look at what the Sealwright mesh holds. Every verb takes --json."""


def main() -> None:
    """Entry point of the ``sealwright`` command."""
    # Standard output is the answer's; what a part of the runtime warns of goes to standard error.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    app()
