"""Sealwright certify: attested data into verifiable credentials, delivered."""
