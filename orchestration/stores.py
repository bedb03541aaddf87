"""The state store of a home, opened and closed; knows no Dagster, so that commands start fast."""

from contextlib import AbstractContextManager, closing

from orchestration.settings import Settings
from reconcilers.state import State, open_state


def opened_state(settings: Settings) -> AbstractContextManager[State]:
    """The state store, closed at the end of the block."""
    return closing(open_state(settings.state_url, settings.state_schema))
