"""Sealwright sandbox: embedded PostgreSQL, NATS and token; a registry and a wallet to try the mesh against."""
