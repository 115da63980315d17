"""Real servers from wheels and packages, run inside a data folder: PostgreSQL, NATS and a PKCS#11 token.

Nothing here touches the machine: no users, no permissions of folders that are not ours, no packages installed.
"""
