"""Sealwright stamp: energy certificates into the registry and the wallets, each once."""
