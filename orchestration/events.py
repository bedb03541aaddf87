"""Sends the event log to the configured receiver: shared by the night and the command."""

import datetime as dt

from orchestration.settings import Settings
from orchestration.stores import opened_state
from reconcilers.events.log import EventLog
from reconcilers.events.sink import deliver, forget, open_sink


async def send_events(settings: Settings, *, again: bool = False) -> int:
    """Send what the receiver lacks, or with `again` everything; how many. 0 without a receiver."""
    if settings.events_url is None:
        return 0
    sink = open_sink(settings.events_url, settings.events_token)
    with opened_state(settings) as state:
        if again:
            forget(state, sink.name)
        async with sink.door:
            delivered = await deliver(
                state,
                EventLog(settings.event_log_dir),
                sink,
                lambda: dt.datetime.now(dt.UTC),
                batch=settings.events_batch,
            )
    return delivered.events
