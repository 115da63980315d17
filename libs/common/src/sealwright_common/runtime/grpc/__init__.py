"""gRPC as Sealwright speaks it: the server builder, its policy table, client channels, identities and errors."""

from sealwright_common.runtime.grpc.answers import answer
from sealwright_common.runtime.grpc.channel import Channel, ChannelSettings, connect
from sealwright_common.runtime.grpc.errors import problem_from_rpc_error
from sealwright_common.runtime.grpc.metadata import for_tenant
from sealwright_common.runtime.grpc.policy import ANYONE, Policies, Policy
from sealwright_common.runtime.grpc.server import GrpcServer, GrpcService
from sealwright_common.runtime.grpc.validation import validate

__all__ = [
    "ANYONE",
    "Channel",
    "ChannelSettings",
    "GrpcServer",
    "GrpcService",
    "Policies",
    "Policy",
    "answer",
    "connect",
    "for_tenant",
    "problem_from_rpc_error",
    "validate",
]
