"""Owner keys, Pedersen commitments and 32-bit range proofs, made in worker processes."""
