"""The mathematics: signatures in software, public key formats, blind RSA, VOPRF, Privacy Pass. No I/O."""
