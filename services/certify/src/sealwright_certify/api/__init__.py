"""The gRPC doors: decode, call, encode."""
