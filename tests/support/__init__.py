"""Starts the real things that tests run against."""
