"""DCP 1.0 towards holders: their tokens, our tokens, deliveries, offers, presentations."""
