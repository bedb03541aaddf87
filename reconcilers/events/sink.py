"""Sends the event log to an HTTP endpoint by the CloudEvents binding, at least once, in order.

One request is in flight at a time and the cursor moves only behind an answer: what got none is sent
again, and the receiver knows it by the event's id. An event that is refused for what it is (by
itself, not for the address or the credentials) is laid aside, and the rest goes on. A receiver that
refuses all alike does not look at events: nothing is laid aside for it.
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
from reconcilers.events.cloudevents import BATCH_CONTENT_TYPE, CONTENT_TYPE
from reconcilers.events.letters import keep, taken, undelivered
from reconcilers.events.log import EventLog
from reconcilers.events.publish import read_events
from reconcilers.state.models import EventCursor, EventLetter
from reconcilers.state.store import State

Event = dict[str, Any]
Refusal = Rejected | Conflict
SINK = "events"
DEFAULT_BATCH = 100
# Refusals that say nothing of the event: no such place, not this way, not in this form.
OTHER_FORM = 415
OF_THE_ADDRESS = frozenset({404, 405, 406, 410, OTHER_FORM})
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
    """What a delivery needs: the memory of receivers, the log, the receiver, and the time (UTC).

    `batch` is how many events go to a request; by 1 each goes in structured mode.
    """

    state: State
    log: EventLog
    sink: Sink
    clock: Callable[[], datetime]
    batch: int = DEFAULT_BATCH

    @property
    def single(self) -> bool:
        return self.batch == 1

    async def send(self, events: list[Event], *, single: bool) -> None:
        sent = [json.loads(event["cloud_event"]) for event in events]
        await self.sink.door.send(_call(self.sink.path, sent, single=single))

    async def refusal(self, event: Event, *, single: bool) -> Refusal | None:
        """Why the receiver refuses the event for what it is; None when it took it."""
        try:
            await self.send([event], single=single)
        except (Rejected, Conflict) as error:
            if error.status == OTHER_FORM and single and not self.single:
                return await self.refusal(event, single=False)
            if error.status in OF_THE_ADDRESS:
                raise
            return error
        return None

    def lay_aside(self, event: Event, refusal: Refusal) -> None:
        """What a receiver refuses for what it is becomes a dead letter."""
        place = (event["event_id"], event["sequence"])
        keep(self.state, self.sink.name, place, refusal, self.clock())

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


async def deliver(delivery: Delivery) -> Delivered:
    """Send what the sink does not have yet.

    Raises SourceError when the receiver stays away or takes nothing from us; what it took until
    then is kept. Raises CursorLost when the log is not the one that was sent before.
    """
    sequence = _cursor(delivery.state, delivery.log, delivery.sink.name)
    sent = refused = 0
    events = read_events(delivery.log, after=sequence)
    # one by one they are read together as well: only beside others a refusal says what it is of
    while some := list(islice(events, DEFAULT_BATCH if delivery.single else delivery.batch)):
        went = await _batch(delivery, some)
        sent, refused, sequence = sent + went, refused + len(some) - went, some[-1]["sequence"]
    return Delivered(sent, refused, sequence)


async def _batch(delivery: Delivery, events: list[Event]) -> int:
    """How many of a batch were taken; one that is refused is sent again event by event."""
    if delivery.single:
        return await _one_by_one(delivery, events)
    try:
        await delivery.send(events, single=False)
    except (Rejected, Conflict) as error:
        if error.status in OF_THE_ADDRESS:
            raise
        return await _one_by_one(delivery, events)
    delivery.move_cursor(events[-1])
    return len(events)


async def _one_by_one(delivery: Delivery, events: list[Event]) -> int:
    """How many were taken. None is laid aside before an answer shows that events are told apart."""
    went = 0
    waiting: list[tuple[Event, Refusal]] = []
    tells_apart = len(events) == 1
    for event in events:
        refusal = await delivery.refusal(event, single=True)
        if refusal is None:
            went += 1
        else:
            waiting.append((event, refusal))
        tells_apart |= refusal is None or refusal.status != waiting[0][1].status
        if tells_apart:
            for refused in waiting:
                delivery.lay_aside(*refused)
            waiting.clear()
            delivery.move_cursor(event)
    if waiting:
        raise _of_all(waiting)
    return went


def _of_all(refused: list[tuple[Event, Refusal]]) -> Rejected:
    (first, refusal), (last, _) = refused[0], refused[-1]
    return Rejected(
        SINK,
        f"the receiver refused all {len(refused)} events from number {first['sequence']} to "
        f"{last['sequence']} alike, each by itself: {refusal.message} {refusal.body_excerpt}. It "
        "seems to take none, so none was laid aside, and they will be sent again: look at its "
        "address and at what it expects. If only these are bad, send more at once "
        "(TIEOUT_EVENTS_BATCH).",
        status=refusal.status,
    )


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
        refusal = await delivery.refusal(event, single=delivery.single)
        if refusal is None:
            taken(delivery.state, letter, delivery.clock())
            went += 1
        else:
            delivery.lay_aside(event, refusal)
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
