"""Domain values to protobuf and back: the doors, the events, the registry's wire format, the peers' contracts."""
