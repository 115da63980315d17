"""What wallets send and get, checked and made: proofs, DPoP, nonces, encryption, foreign tokens."""
