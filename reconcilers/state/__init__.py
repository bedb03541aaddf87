"""The state store: exceptions, corrections, approvals and audit, apart from the warehouse."""

from reconcilers.state.store import State, open_state

__all__ = ["State", "open_state"]
