"""Sealwright: the domain models and the runtime that every service stands on."""
