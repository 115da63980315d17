"""What the signer does, one file per verb."""
