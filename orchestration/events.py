"""Sends the event log to the configured receiver: shared by the night and the command."""

import datetime as dt
from collections.abc import Awaitable, Callable

from orchestration.settings import Settings
from orchestration.stores import opened_state
from reconcilers.events.letters import Letter, undelivered
from reconcilers.events.log import EventLog
from reconcilers.events.sink import (
    NOTHING_SENT,
    Delivered,
    Delivery,
    deliver,
    forget,
    open_sink,
    replay,
)


async def send_events(settings: Settings, *, again: bool = False) -> Delivered:
    """Send what the receiver lacks, or with `again` everything. Nothing without a receiver."""

    async def send(delivery: Delivery) -> Delivered:
        if again:
            forget(delivery.state, delivery.sink.name)
        return await deliver(delivery)

    return await _delivery(settings, send)


async def replay_events(settings: Settings, chosen: str = "") -> Delivered:
    """Send again what the receiver refused, all or the events whose id begins so."""
    return await _delivery(settings, lambda delivery: replay(delivery, chosen))


def refused_events(settings: Settings) -> list[Letter]:
    """What receivers refused and have not taken since."""
    with opened_state(settings) as state:
        return undelivered(state)


async def _delivery(
    settings: Settings, send: Callable[[Delivery], Awaitable[Delivered]]
) -> Delivered:
    if settings.events_url is None:
        return NOTHING_SENT
    sink = open_sink(settings.events_url, settings.events_token)
    with opened_state(settings) as state:
        async with sink.door:
            log = EventLog(settings.event_log_dir)
            delivery = Delivery(
                state, log, sink, lambda: dt.datetime.now(dt.UTC), settings.events_batch
            )
            return await send(delivery)
