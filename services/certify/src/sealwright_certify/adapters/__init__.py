"""Adapters of certify: one file or folder per outside thing."""
