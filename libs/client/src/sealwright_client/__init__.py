"""Sealwright's typed async client (:class:`sealwright_client.client.Sealwright`) and the ``sealwright`` command."""
