"""Holders to develop against: Credential Services of DCP 1.0 with did:web, storage, presentations, faults."""

from sealwright_sandbox.holder.faults import HolderFaults
from sealwright_sandbox.holder.server import SandboxHolders
from sealwright_sandbox.holder.store import Delivery, Holder

__all__ = ["Delivery", "Holder", "HolderFaults", "SandboxHolders"]
