"""Faults the wallet shows on request, to test what stands behind it."""

from pydantic import BaseModel, ConfigDict, Field


class WalletFaults(BaseModel):
    """What goes wrong with POST v1/slices. Counters count down as the fault is shown; the rest holds until changed."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, use_attribute_docstrings=True)

    refuse_posts: int = Field(default=0, ge=0)
    """The next posts are answered with `refuse_status`; nothing is stored."""
    refuse_status: int = Field(default=500, ge=400, le=599)
    """HTTP status of refused posts."""
    drop_replies: int = Field(default=0, ge=0)
    """The next posts are stored, but the connection is cut before the answer."""
    delay_seconds: float = Field(default=0.0, ge=0, le=600)
    """Every post waits this long first."""
