"""Sends the event log to an HTTP endpoint by the CloudEvents binding, at least once, in order.

One request is in flight at a time and the cursor moves only behind an answer of success: what got
no answer is sent again, and the receiver knows it by the event's id.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import httpx

from extractors.calls import Call, Dialect, Explanation
from extractors.http import HttpDoor, HttpOptions
from reconcilers.events.cloudevents import BATCH_CONTENT_TYPE, CONTENT_TYPE, envelope
from reconcilers.events.log import EventLog
from reconcilers.events.publish import read_events
from reconcilers.state.models import EventCursor
from reconcilers.state.store import State

SINK = "events"
DEFAULT_BATCH = 100
OPTIONS = HttpOptions(concurrency=1, read_seconds=30)


class CursorLost(RuntimeError):  # noqa: N818 - a state, told as one
    """The log does not hold, at the cursor's place, the event that was sent last."""


@dataclass(frozen=True)
class Delivered:
    """How many events went out now, and the place in the log up to which the sink has them."""

    events: int
    sequence: int


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


async def deliver(
    state: State,
    log: EventLog,
    sink: Sink,
    clock: Callable[[], datetime],
    *,
    batch: int = DEFAULT_BATCH,
) -> Delivered:
    """Send what the sink does not have yet, `batch` events to a request (1: structured mode).

    Raises SourceError when the receiver refuses or stays away; what it took until then is kept.
    Raises CursorLost when the log is not the one that was sent before.
    """
    sequence = _cursor(state, log, sink.name)
    sent = 0
    events = read_events(log, after=sequence)
    while some := list(islice(events, batch)):
        await sink.door.send(
            _call(sink.path, [envelope(event) for event in some], single=batch == 1)
        )
        sent, sequence = sent + len(some), some[-1]["sequence"]
        with state.begin() as session:
            session.merge(
                EventCursor(
                    sink=sink.name,
                    sequence=sequence,
                    event_id=some[-1]["event_id"],
                    moved_at=clock(),
                )
            )
    return Delivered(sent, sequence)


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
    """Begin anew: the next delivery sends the whole log."""
    with state.begin() as session:
        cursor = session.get(EventCursor, sink)
        if cursor is not None:
            session.delete(cursor)


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
