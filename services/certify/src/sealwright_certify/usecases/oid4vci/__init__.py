"""OpenID4VCI 1.0: what a credential issuer does for a wallet, and what its operator does for it."""
