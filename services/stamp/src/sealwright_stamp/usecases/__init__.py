"""What stamp does, one file per verb."""
