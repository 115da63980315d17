"""The verbs of the rotator, one file each."""
