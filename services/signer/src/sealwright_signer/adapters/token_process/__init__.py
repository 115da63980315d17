"""The root of trust in a process of its own, so that neither the module's work nor its crash is the service's.

``process`` is the service's side, ``__main__`` the program that it starts, ``frames`` what goes between them.
"""
