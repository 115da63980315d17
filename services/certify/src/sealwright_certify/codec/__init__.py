"""Domain values to messages and back: the only place that maps."""
