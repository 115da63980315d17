"""What the signer hears: the rotator's events, and the requests of the work queue."""
