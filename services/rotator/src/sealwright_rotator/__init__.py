"""Sealwright rotator: decides which key is valid when, and has the next ones made in time."""
