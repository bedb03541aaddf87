"""What a source must do on a bad day."""

import logging

import pytest

from extractors.errors import Rejected, SourceError, Unauthorized
from extractors.http import HttpOptions
from tests.conformance.proof import assert_same
from tests.conformance.reading import QUICK

CONCURRENCY = 3


def test_an_ended_session_is_renewed_once(reading):
    if not reading.bench.has_sessions:
        pytest.skip("its keys do not end")
    pages = []

    class Ending:
        def __init__(self, source):
            self.source = source

        def __getattr__(self, name):
            return getattr(self.source, name)

        async def proceed(self, spec, bookmark):
            if not pages:
                reading.bench.end_session()
            pages.append(bookmark)
            return await self.source.proceed(spec, bookmark)

    reading.extract(through=Ending)
    assert_same(reading.rows(), reading.bench.rows(reading.bench.probe), reading.spec.key)
    used = {head for call in reading.bench.wire.calls if (head := _authorization(call))}
    assert len(used) == 2


@pytest.mark.parametrize("how", ["drop", "cut", "stall", "lose", "refuse"])
def test_a_disturbance_that_passes_is_waited_out(reading, impatient, how):
    reading.bench.wire.trouble(how, times=2, Retry_After="0")
    reading.extract(options=QUICK)
    assert_same(reading.rows(), reading.bench.rows(reading.bench.probe), reading.spec.key)


def test_a_refusal_is_not_tried_again(reading, impatient):
    async def warm(source):
        await source.begin(reading.spec, None)
        seen = len(reading.bench.wire.calls)
        reading.bench.wire.trouble("refuse", times=100, status=400)
        with pytest.raises(Rejected):
            await source.begin(reading.spec, None)
        return reading.bench.wire.calls[seen:]

    refused = [call for call in reading.with_source(warm) if call.status == 400]
    assert len(refused) == len({call.body + call.path for call in refused})


def test_secrets_are_nowhere_to_be_read(reading, impatient, caplog):
    caplog.set_level(logging.DEBUG)
    bench, said = reading.bench, []
    reading.extract()
    for status in (400, 401, 403, 500):
        bench.wire.trouble("refuse", times=100, status=status)
        with pytest.raises(SourceError) as failure:
            reading.elsewhere(f"raw-{status}").extract()
        said += [str(failure.value), repr(failure.value), repr(vars(failure.value))]
        bench.wire.troubles.clear()

    async def shown(source):
        return [repr(source), repr(source.door), repr(bench.config())]

    said += reading.with_source(shown)
    said += [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
    secrets = [*bench.secrets, *(_credential(call) for call in bench.wire.calls)]
    text = "\n".join(said)
    assert [secret for secret in secrets if secret and secret in text] == []


def test_wrong_credentials_are_refused_as_such_and_tried_once(reading, impatient):
    with pytest.raises(Unauthorized):
        reading.extract(*reading.connector.objects, config=reading.bench.wrong)
    # Who insists is locked out: one login, or one call of each object that goes with the key.
    assert len(reading.bench.wire.calls) <= len(reading.connector.objects)


def test_no_more_calls_are_in_flight_than_allowed(reading):
    reading.bench.wire.delay = 0.02
    reading.extract(*reading.connector.objects, options=HttpOptions(concurrency=CONCURRENCY))
    assert reading.bench.wire.most_in_flight == CONCURRENCY


def _authorization(call):
    for line in call.head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "authorization":
            return value.strip()
    return None


def _credential(call):
    scheme, _, credential = (_authorization(call) or "").partition(" ")
    return credential or scheme
