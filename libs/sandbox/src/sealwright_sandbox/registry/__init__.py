"""A small registry that speaks the contract of a Project Origin registry and verifies what the real one verifies.

For development, demonstration and tests: state is in memory and, if a folder is given, in a journal. Two things that
the real registry leaves out are checked as well: that the payload is the one whose hash was signed, and that the stream
of the header is the certificate of the payload. Fault switches make it misbehave on request.
"""
