"""The one way a Sealwright service runs: settings, life cycle, doors, database, events, telemetry."""
