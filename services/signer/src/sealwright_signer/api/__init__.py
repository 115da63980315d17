"""The gRPC doors of the signer: decode, call a use case, encode."""
