"""Checking what Sealwright issues, offline: one module per credential format, and nothing of the code that made it.

`certify` runs these checks on every credential before it leaves, the sandbox wallet on what it receives, and
``sealwright verify`` on a file. Only public keys and bundled contexts are needed; nothing here reads a network, a clock
or a database. Needs the extra ``sealwright-common[verify]``.
"""
