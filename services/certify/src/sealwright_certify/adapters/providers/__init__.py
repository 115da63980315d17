"""Data providers: where the claims of a dataset come from. Built in: pushed, postgresql, csv, http; plugin for more."""
