"""The attestation types that certify brings along."""
