"""What the rotator talks to: PostgreSQL and the signer."""
