"""The outside things stamp talks to, one file or folder each."""
