"""The one error of the sandbox: something could not be set up, and what to do about it."""


class SandboxError(Exception):
    """A part of the sandbox could not be started or used.

    The message says what failed and what the person in front of it can do next, so that it can be printed as it is.
    """
