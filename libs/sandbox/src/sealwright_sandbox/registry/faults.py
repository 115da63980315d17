"""Faults the registry shows on request, to test what stands behind it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

StateName = Literal["UNKNOWN", "PENDING", "FAILED", "COMMITTED", "FINALIZED"]
CodeName = Literal["UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "RESOURCE_EXHAUSTED", "INVALID_ARGUMENT", "UNKNOWN"]


class RegistryFaults(BaseModel):
    """What goes wrong. Counters count down as the fault is shown; everything else holds until it is changed."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, use_attribute_docstrings=True)

    drop_replies: int = Field(default=0, ge=0)
    """The next calls of SendTransactions are taken in, but the caller gets UNAVAILABLE instead of the answer."""
    refuse_sends: int = Field(default=0, ge=0)
    """The next calls of SendTransactions end with `error_code`; nothing is taken in."""
    refuse_polls: int = Field(default=0, ge=0)
    """The next calls of GetTransactionStatus end with `error_code`."""
    error_code: CodeName = "UNAVAILABLE"
    """gRPC status of refused calls."""
    lose_transactions: int = Field(default=0, ge=0)
    """The next transactions are answered as if taken in, and forgotten: their status stays UNKNOWN."""
    delay_seconds: float = Field(default=0.0, ge=0, le=600)
    """Every call waits this long first."""
    status_script: tuple[StateName, ...] = ()
    """What the first polls of each transaction answer, one after the other, before the truth is told."""
    hold: bool = False
    """Transactions stay PENDING until this is off again."""
    fail: dict[str, str] = Field(default_factory=dict)
    """Reasons by stream id (`*`: every stream) with which transactions FAIL although they are sound."""
