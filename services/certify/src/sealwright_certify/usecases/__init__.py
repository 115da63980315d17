"""One file per thing certify does."""
