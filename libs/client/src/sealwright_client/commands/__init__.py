"""The verbs of the ``sealwright`` command: one module a verb, each with a typer ``app``, loaded when it is used."""
