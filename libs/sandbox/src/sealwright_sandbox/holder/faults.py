"""What can be made to go wrong at a holder."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class HolderFaults(BaseModel):
    """Fault switches of every holder of the server; what is not said is off."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    storage_status: int | None = Field(default=None, ge=100, le=599)
    """Answer storage calls with this status and store nothing."""
    storage_times: int | None = Field(default=None, ge=1)
    """Do so this many times, then behave; without it for ever."""
    drop_reply: bool = False
    """Store, then cut the connection without an answer."""
    drop_times: int | None = Field(default=None, ge=1)
    """Do so this many times, then behave; without it for ever."""
    delay_seconds: float = Field(default=0, ge=0, le=120)
    """Wait this long before each answer of the storage."""
    hide_capability: bool = False
    """Leave capabilityInvocation out of DID documents, as some real holders do."""
    refuse_presentations: bool = False
    """Answer presentation queries with 401."""
