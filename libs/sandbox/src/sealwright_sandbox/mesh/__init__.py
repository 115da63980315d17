"""The whole mesh on one machine: real servers, the four services and sandboxes around them, supervised as one."""

from sealwright_sandbox.mesh.mesh import Mesh
from sealwright_sandbox.mesh.options import SERVICES, MeshOptions, Service

__all__ = ["SERVICES", "Mesh", "MeshOptions", "Service"]
