"""Sealwright signer: every signature, with keys that live in a PKCS#11 token."""
