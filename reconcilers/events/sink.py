"""Sends the event log to an HTTP endpoint by the CloudEvents binding, at least once, in order.

One request is in flight at a time and the cursor moves only behind an answer: what got none is sent
again, and the receiver knows it by the event's id. An event that is refused for what it is (by
itself, not for the address or the credentials) is laid aside, and the rest goes on.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import httpx
import sqlalchemy as sa

from extractors.calls import Call, Dialect, Explanation
from extractors.errors import Conflict, Rejected
from extractors.http import HttpDoor, HttpOptions
from reconcilers.events.cloudevents import BATCH_CONTENT_TYPE, CONTENT_TYPE, envelope
from reconcilers.events.letters import keep, taken, undelivered
from reconcilers.events.log import EventLog
from reconcilers.events.publish import read_events
from reconcilers.state.models import EventCursor, EventLetter
from reconcilers.state.store import State

Event = dict[str, Any]
SINK = "events"
DEFAULT_BATCH = 100
# Refusals that say nothing of the event: no such place, not this way, not in this form.
OF_THE_ADDRESS = frozenset({404, 405, 406, 410, 415})
OPTIONS = HttpOptions(concurrency=1, read_seconds=30)


class CursorLost(RuntimeError):  # noqa: N818 - a state, told as one
    """The log does not hold, at the cursor's place, the event that was sent last."""


@dataclass(frozen=True)
class Delivered:
    """How many events were taken and how many refused now, and up to where in the log."""

    events: int
    refused: int
    sequence: int


NOTHING_SENT = Delivered(0, 0, 0)


@dataclass(frozen=True)
class Sink:
    """A receiver of events: the door to its host, and where behind it events are taken.

    `name` is its address without what may hold a secret: the query, and a name with a password.
    """

    door: HttpDoor
    path: str
    name: str


def open_sink(url: str, token: str | None = None, options: HttpOptions = OPTIONS) -> Sink:
    """The receiver at `url`; `token` goes along as a bearer token."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    address = httpx.URL(url)
    host = str(address.copy_with(raw_path=b"/"))
    return Sink(
        door=HttpDoor(host, _dialect(), options, headers=headers),
        path=address.raw_path.decode(),
        name=str(address.copy_with(query=None, userinfo=b"")),
    )


@dataclass(frozen=True)
class Delivery:
    """What a delivery needs: the memory of receivers, the log, the receiver, and the time (UTC)."""

    state: State
    log: EventLog
    sink: Sink
    clock: Callable[[], datetime]

    async def send(self, events: list[Event], *, single: bool) -> None:
        await self.sink.door.send(
            _call(self.sink.path, [envelope(event) for event in events], single=single)
        )

    async def send_or_keep(self, event: Event, *, single: bool) -> bool:
        """Whether the receiver took it; what it refuses for what it is becomes a dead letter."""
        try:
            await self.send([event], single=single)
        except (Rejected, Conflict) as error:
            if error.status in OF_THE_ADDRESS:
                raise
            place = (event["event_id"], event["sequence"])
            keep(self.state, self.sink.name, place, error, self.clock())
            return False
        return True

    def move_cursor(self, event: Event) -> None:
        """The receiver is done with all up to this event."""
        cursor = EventCursor(
            sink=self.sink.name,
            sequence=event["sequence"],
            event_id=event["event_id"],
            moved_at=self.clock(),
        )
        with self.state.begin() as session:
            session.merge(cursor)


async def deliver(delivery: Delivery, *, batch: int = DEFAULT_BATCH) -> Delivered:
    """Send what the sink does not have yet, `batch` events to a request (1: structured mode).

    Raises SourceError when the receiver stays away or takes nothing from us; what it took until
    then is kept. Raises CursorLost when the log is not the one that was sent before.
    """
    sequence = _cursor(delivery.state, delivery.log, delivery.sink.name)
    sent = refused = 0
    events = read_events(delivery.log, after=sequence)
    while some := list(islice(events, batch)):
        went = await _batch(delivery, some, single=batch == 1)
        sent, refused, sequence = sent + went, refused + len(some) - went, some[-1]["sequence"]
    return Delivered(sent, refused, sequence)


async def _batch(delivery: Delivery, events: list[Event], *, single: bool) -> int:
    """How many of a batch were taken; one that is refused is sent again event by event."""
    went = len(events)
    try:
        await delivery.send(events, single=single)
    except (Rejected, Conflict) as error:
        if error.status in OF_THE_ADDRESS:
            raise
        went = 0
        for event in events:
            went += await delivery.send_or_keep(event, single=single)
            delivery.move_cursor(event)
    else:
        delivery.move_cursor(events[-1])
    return went


async def replay(delivery: Delivery, chosen: str = "") -> Delivered:
    """Send the dead letters again, one by one, all or those whose event id begins so.

    Raises CursorLost when the log does not hold one of them any more.
    """
    went = refused = sequence = 0
    for letter in undelivered(delivery.state, delivery.sink.name, chosen):
        event = next(read_events(delivery.log, after=letter.sequence - 1), None)
        if event is None or event["event_id"] != letter.event_id:
            raise CursorLost(f"the event log does not hold {letter.event_id} any more.")
        sequence = letter.sequence
        if await delivery.send_or_keep(event, single=True):
            taken(delivery.state, letter, delivery.clock())
            went += 1
        else:
            refused += 1
    return Delivered(went, refused, sequence)


def _cursor(state: State, log: EventLog, sink: str) -> int:
    """The place of the last event that the sink took; 0 before the first."""
    with state.read() as session:
        cursor = session.get(EventCursor, sink)
    if cursor is None:
        return 0
    last = next(read_events(log, after=cursor.sequence - 1), None)
    if last is None or last["event_id"] != cursor.event_id:
        raise CursorLost(
            f"{sink} took event {cursor.event_id} as number {cursor.sequence}; the event log holds "
            f"{last['event_id'] if last else 'nothing'} there. The log was gathered otherwise than "
            "before: `tieout events publish --again` sends it from its beginning."
        )
    return cursor.sequence


def forget(state: State, sink: str) -> None:
    """Begin anew: the next delivery sends the whole log, what was refused with it."""
    with state.begin() as session:
        for table in (EventCursor, EventLetter):
            session.execute(sa.delete(table).where(table.sink == sink))


def _call(path: str, events: list[dict[str, Any]], *, single: bool) -> Call:
    """A delivery may be repeated: the receiver tells a second one by the ids in it."""
    return Call(
        "POST",
        path,
        json=events[0] if single else events,
        headers={"Content-Type": CONTENT_TYPE if single else BATCH_CONTENT_TYPE},
        kind="write",
        expects="bytes",
        repeatable=True,
        correlation_id=events[0].get("correlationid") or events[0]["id"],
        label="events",
    )


def _dialect() -> Dialect:
    return Dialect(
        system=SINK, explain=_explain, decode=json.loads, request_id_header="x-request-id"
    )


def _explain(status: int, body: Any, headers: httpx.Headers) -> Explanation:  # noqa: ARG001
    return Explanation(f"the receiver of events answered {status}")
