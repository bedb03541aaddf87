"""Business events over the wire: a receiver that fails, goes silent after receiving, and restarts."""

import asyncio
import contextlib
import datetime as dt
import json

import duckdb
import pytest
import stamina

from extractors.errors import SourceError
from extractors.http import HttpOptions
from reconcilers.events.cloudevents import problems
from reconcilers.events.letters import undelivered
from reconcilers.events.log import EVENT_COLUMNS, EventLog
from reconcilers.events.sink import CursorLost, Delivery, deliver, forget, open_sink, replay
from reconcilers.state.store import open_state
from tests.scripted import HANG, HANG_UP, Script, answer

DAYS = [dt.date(2026, 6, 29), dt.date(2026, 6, 30)]
PER_DAY = 10
NOW = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
ALL = [f"event-{number}" for number in range(1, 2 * PER_DAY + 1)]
OK = answer(204, body="")


def write_log(root, *, prefix="event"):
    """Two nights of ten events each on three subjects."""
    log = EventLog(root)
    with duckdb.connect() as con:
        for night, day in enumerate(DAYS):
            folder = log.folder(day)
            folder.mkdir(parents=True)
            columns = {name: f"null::{kind}" for name, kind in EVENT_COLUMNS.items()} | {
                "event_id": f"'{prefix}-' || n",
                "event_type": "'invoice_issued'",
                "sequence": "n",
                "system": "'stripe'",
                "object": "'invoice'",
                "subject_kind": "'invoice'",
                "subject_id": "'in_' || n % 3",
                "occurred_at": "timestamp '2026-06-29 10:00:00'",
                "detected_at": "timestamp '2026-06-29 23:00:00'",
                "detected_date": f"date '{day}'",
                "after_json": """'{"status":"open"}'""",
            }
            made = ", ".join(f"{value} as {name}" for name, value in columns.items())
            first = night * PER_DAY + 1
            con.execute(
                f"copy (select {made} from range({first}, {first + PER_DAY}) as rows(n)) "
                f"to '{folder / 'events.parquet'}' (format parquet)"
            )
    return log


@pytest.fixture
def log(tmp_path):
    return write_log(tmp_path / "log")


@pytest.fixture
def state(tmp_path):
    with contextlib.closing(open_state(str(tmp_path / "state.db"))) as state:
        yield state


@pytest.fixture(autouse=True)
def _no_waiting():
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def send(script, log, state, *, batch=4, port=0, token=None, again=None):
    """One delivery to a receiver that plays the script (`again`: of dead letters); its port."""

    async def run():
        server = await asyncio.start_server(script.serve, "127.0.0.1", port)
        used = server.sockets[0].getsockname()[1]
        sink = open_sink(
            f"http://127.0.0.1:{used}/hooks/tieout?key=k",
            token,
            HttpOptions(concurrency=1, read_seconds=0.2),
        )
        try:
            async with sink.door:
                delivery = Delivery(state, log, sink, lambda: NOW, batch)
                await (deliver(delivery) if again is None else replay(delivery, again))
        finally:
            server.close()
        return used

    return asyncio.run(run())


def port_of_a_receiver_that_is_down():
    async def run():
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        return port

    return asyncio.run(run())


def received(*scripts):
    """Ids in the order in which they arrived, with the repeated ones."""
    bodies = [json.loads(body) for script in scripts for _, _, body in script.requests]
    return [
        event["id"] for body in bodies for event in (body if isinstance(body, list) else [body])
    ]


def firsts(ids):
    return list(dict.fromkeys(ids))


def test_events_arrive_in_batches_in_the_order_of_the_log(log, state):
    script = Script(*[OK] * 5)
    send(script, log, state, token="secret")
    assert received(script) == ALL
    line, headers, body = script.requests[0]
    assert line == "POST /hooks/tieout?key=k HTTP/1.1"
    assert headers["content-type"] == "application/cloudevents-batch+json; charset=utf-8"
    assert headers["authorization"] == "bearer secret"
    assert [list(problems(event)) for event in json.loads(body)] == [[]] * 4


def test_one_by_one_each_is_a_structured_event(log, state):
    script = Script(*[OK] * 20)
    send(script, log, state, batch=1)
    assert received(script) == ALL
    assert script.requests[0][1]["content-type"].startswith("application/cloudevents+json")


def test_what_was_taken_is_not_sent_again(log, state):
    port = send(Script(*[OK] * 5), log, state)
    nothing_new = Script()
    send(nothing_new, log, state, port=port)
    assert nothing_new.requests == []


@pytest.mark.parametrize("trouble", [answer(503), answer(429), HANG, HANG_UP])
def test_what_got_no_answer_is_sent_again(log, state, trouble):
    """HANG and HANG_UP: the receiver has the events, but its answer never came."""
    script = Script(OK, trouble, *[OK] * 4)
    send(script, log, state)
    assert firsts(received(script)) == ALL
    assert script.requests[1][2] == script.requests[2][2]


def test_a_receiver_that_restarts_gets_what_it_lacks_and_nothing_out_of_order(log, state):
    first = Script(OK, OK, *[HANG_UP] * 3)
    port = port_of_a_receiver_that_is_down()
    with pytest.raises(SourceError):
        send(first, log, state, port=port)
    assert firsts(received(first)) == ALL[:12]
    second = Script(*[OK] * 3)
    send(second, log, state, port=port)
    assert received(second) == ALL[8:]
    for subject in range(3):
        of_it = [i for i in firsts(received(first, second)) if int(i.split("-")[1]) % 3 == subject]
        assert of_it == [i for i in ALL if int(i.split("-")[1]) % 3 == subject]


@pytest.mark.parametrize("status", [401, 403, 404, 415])
def test_a_refusal_of_the_address_or_the_credentials_stops_the_delivery(log, state, status):
    script = Script(OK, answer(status))
    with pytest.raises(SourceError, match=str(status)):
        send(script, log, state)
    assert len(script.requests) == 2
    assert undelivered(state) == []


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_an_event_that_is_refused_is_laid_aside_and_the_rest_goes_on(log, state, status):
    """The second batch is refused for its third event."""
    no = answer(status, body='{"error": "no such thread"}')
    script = Script(OK, no, OK, OK, no, OK, *[OK] * 3)
    port = send(script, log, state)
    assert firsts(received(script)) == ALL
    (letter,) = undelivered(state)
    assert (letter.event_id, letter.sequence, letter.status) == ("event-7", 7, status)
    assert "no such thread" in letter.reason
    nothing_new = Script()
    send(nothing_new, log, state, port=port)
    assert nothing_new.requests == []


@pytest.mark.parametrize("batch", [4, 1])
def test_a_receiver_that_refuses_all_alike_gets_all_once_it_takes_them(log, state, batch):
    """It does not look at events: what it refuses says nothing of them."""
    no = answer(400, body='{"error": "not json"}')
    with pytest.raises(SourceError, match=r"refused all .* alike.*400.*not json"):
        send(Script(*[no] * 21), log, state, batch=batch)
    assert undelivered(state) == []
    script = Script(*[OK] * 20)
    send(script, log, state, batch=batch)
    assert received(script) == ALL


def test_refusals_wait_for_the_answer_that_tells_events_apart(log, state):
    """Also another refusal than the first one is such an answer."""
    no, other = answer(400), answer(422)
    port = send(Script(no, no, no, other, no, *[OK] * 4), log, state)
    assert [letter.status for letter in undelivered(state)] == [400, 400, 422, 400]
    nothing_new = Script()
    send(nothing_new, log, state, port=port)
    assert nothing_new.requests == []


def test_a_lone_event_that_is_refused_is_laid_aside(log, state):
    """There is no other by which to tell whether the receiver takes any."""
    send(Script(OK, *[answer(400)] * 2), log, state, batch=19)
    assert [letter.event_id for letter in undelivered(state)] == ["event-20"]


def forms(script):
    return [headers["content-type"].split(";")[0] for _, headers, _ in script.requests]


def test_a_receiver_that_knows_no_batches_gets_each_event_in_its_own_form(log, state):
    script = Script(answer(400), *[OK] * 20)
    send(script, log, state, batch=20)
    assert firsts(received(script)) == ALL
    assert forms(script)[1:] == ["application/cloudevents+json"] * 20
    assert undelivered(state) == []


def test_a_receiver_that_knows_only_batches_gets_a_batch_of_each_event(log, state):
    other_form, no = answer(415), answer(422)
    script = Script(no, *[other_form, OK] * 2, other_form, no, other_form, OK, *[OK] * 4)
    send(script, log, state)
    assert [letter.event_id for letter in undelivered(state)] == ["event-3"]


@pytest.mark.parametrize(("batch", "form"), [(1, ""), (4, "-batch")])
def test_what_was_laid_aside_is_sent_again_in_the_form_of_the_delivery(log, state, batch, form):
    refused = [answer(400), answer(400)] if batch > 1 else [answer(400)]
    port = send(Script(*refused, *[OK] * 19), log, state, batch=batch)
    script = Script(OK)
    send(script, log, state, port=port, again="", batch=batch)
    assert received(script) == ["event-1"]
    assert forms(script) == [f"application/cloudevents{form}+json"]


def test_what_was_laid_aside_can_be_sent_again(log, state):
    port = send(Script(*[answer(400)] * 4, OK, *[OK] * 4), log, state)
    assert [letter.sequence for letter in undelivered(state)] == [1, 2, 3]
    script = Script(OK, answer(400), OK)
    send(script, log, state, port=port, again="")
    assert received(script) == ALL[:3]
    assert [letter.event_id for letter in undelivered(state)] == ["event-2"]
    script = Script(OK)
    send(script, log, state, port=port, again="event-2")
    assert received(script) == ["event-2"]
    assert undelivered(state) == []


def test_a_receiver_that_stays_away_in_the_middle_of_a_refused_batch_loses_nothing(log, state):
    port = send_until_it_stays_away(log, state)
    script = Script(*[OK] * 5)
    send(script, log, state, port=port)
    assert received(script) == ALL[2:]
    assert [letter.event_id for letter in undelivered(state)] == ["event-2"]


def send_until_it_stays_away(log, state):
    port = port_of_a_receiver_that_is_down()
    with pytest.raises(SourceError):
        send(Script(answer(400), OK, answer(400), *[HANG_UP] * 3), log, state, port=port)
    return port


def test_another_log_than_the_one_that_was_sent_is_noticed(log, state, tmp_path):
    port = send(Script(*[OK] * 5), log, state)
    other = write_log(tmp_path / "other", prefix="other")
    with pytest.raises(CursorLost, match="other-20"):
        send(Script(), other, state, port=port)
    forget(state, f"http://127.0.0.1:{port}/hooks/tieout")
    script = Script(*[OK] * 5)
    send(script, other, state, port=port)
    assert received(script) == [i.replace("event", "other") for i in ALL]


def test_a_receiver_is_known_by_its_address_without_any_secret():
    sink = open_sink("https://user:word@receiver.example:8443/hooks/tieout?key=k")
    assert sink.name == "https://receiver.example:8443/hooks/tieout"
