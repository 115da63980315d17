"""``python -m sealwright_stamp.adapters.proofs``: compiles the prover ahead of its first use, and proves that it works.

Compiled code is kept beside the source, so that a service that starts afterwards proves at once.
"""

from sealwright_stamp.adapters.proofs.worker import warm_up

warm_up()
