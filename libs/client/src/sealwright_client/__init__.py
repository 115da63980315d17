"""Sealwright client: a typed async client and the sealwright command."""
