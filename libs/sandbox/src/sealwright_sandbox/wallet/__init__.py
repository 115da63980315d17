"""A small wallet that serves endpoints and takes slices as the real one does, and says what did not match.

For development, demonstration and tests: state is in memory and, if a folder is given, in a journal. The real wallet
answers 202 and silently drops a slice that does not fit its certificate; this one lists it with the reason.
"""
