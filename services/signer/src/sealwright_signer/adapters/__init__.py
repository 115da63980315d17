"""The outside of the signer: the PKCS#11 token, wrapped keys, the database, the broker."""
