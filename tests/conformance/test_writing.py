"""What a target must do; objects and fields are the vendor's own."""

import pytest

from extractors.errors import Conflict, Rejected, Unauthorized, UnknownOutcome
from extractors.protocol import WriteIntent


def update_of(writing, body, key="key-1"):
    return WriteIntent("update", writing.object, writing.record_id, body, key, "q2c_1")


def test_what_was_written_is_read_and_nothing_else_changed(reading):
    writing = reading.bench.writing
    body, name, value = writing.update()

    async def use(target):
        before = await target.read(writing.object, writing.record_id)
        receipt = await target.write(update_of(writing, body))
        return before, receipt, await target.read(writing.object, writing.record_id)

    before, receipt, after = reading.with_target(use)
    assert receipt.record_id in {writing.record_id, None}
    assert 200 <= receipt.status < 300
    assert after[name] == value != before.get(name)
    moved = {key for key in after if after[key] != before.get(key)}
    assert name in moved
    # The time of the change is called SystemModstamp, lastModifiedDate, last_modified_at.
    assert all(key == name or "mod" in key.lower() for key in moved)


def test_there_is_nothing_to_read_where_there_is_no_record(reading):
    writing = reading.bench.writing
    missing = writing.record_id[:-4] + "9999" if len(writing.record_id) > 4 else "999999"

    async def use(target):
        return await target.read(writing.object, missing)

    assert reading.with_target(use) is None


def test_a_write_that_breaks_the_systems_rules_is_rejected_and_sent_once(reading, impatient):
    refused = reading.bench.writing.refused

    async def use(target):
        with pytest.raises(Rejected) as refusal:
            await target.write(refused)
        return refusal.value

    error = reading.with_target(use)
    assert error.message
    assert error.correlation_id == refused.correlation_id
    sent = [one for one in reading.bench.wire.calls if refused.correlation_id in one.head]
    assert len(sent) == 1


def test_a_lost_answer_is_an_unknown_outcome_that_is_never_sent_again(reading, impatient):
    writing = reading.bench.writing
    if writing.has_idempotency_key:
        pytest.skip("a repeat under its key is one write")
    body, name, value = writing.update()
    reading.bench.wire.trouble("lose", times=9, match=writing.write_call)

    async def use(target):
        with pytest.raises(UnknownOutcome):
            await target.write(update_of(writing, body))
        return await target.read(writing.object, writing.record_id)

    assert reading.with_target(use)[name] == value
    assert len(reading.bench.wire.matching(writing.write_call)) == 1


def test_with_a_key_that_the_system_honours_a_repeat_is_one_write(reading, impatient):
    writing = reading.bench.writing
    if not writing.has_idempotency_key:
        pytest.skip("it has no idempotency keys")
    body, name, value = writing.update()
    reading.bench.wire.trouble("lose", match=writing.write_call)

    async def use(target):
        await target.write(update_of(writing, body))
        return await target.read(writing.object, writing.record_id)

    assert reading.with_target(use)[name] == value
    keys = {
        line
        for call in reading.bench.wire.matching(writing.write_call)
        for line in call.head.split("\r\n")
        if line.lower().startswith("idempotency-key")
    }
    assert len(reading.bench.wire.matching(writing.write_call)) == 2
    assert len(keys) == 1


def test_a_version_that_was_not_seen_is_not_overwritten(reading):
    writing = reading.bench.writing
    if not reading.bench.has_version_lock:
        pytest.skip("the system has no lock: its versions are compared before a write")
    (mine, name, value), (theirs, _, other) = writing.update(), writing.update()

    async def use(target):
        await target.read(writing.object, writing.record_id)
        await _by_another(reading, update_of(writing, theirs))
        with pytest.raises(Conflict):
            await target.write(update_of(writing, mine))
        between = await target.read(writing.object, writing.record_id)
        await target.write(update_of(writing, mine))
        return between, await target.read(writing.object, writing.record_id)

    between, after = reading.with_target(use)
    assert (between[name], after[name]) == (other, value)


def test_an_upsert_repeated_is_one_record(reading):
    writing = reading.bench.writing
    if writing.create is None:
        pytest.skip("nothing is created here")
    model, external_id, body = writing.create()
    intent = WriteIntent("upsert", model, external_id, body, "key-2", "q2c_2")

    async def use(target):
        missing = await target.find(model, external_id)
        first, second = await target.write(intent), await target.write(intent)
        return missing, first, second, await target.find(model, external_id)

    missing, first, second, found = reading.with_target(use)
    assert missing is None
    assert first.record_id in found.values()
    assert second.record_id in {first.record_id, None}


def test_who_may_only_look_reads_all_of_it_and_changes_nothing(reading):
    viewing = reading.bench.viewing()
    if viewing is None:
        pytest.skip("the system here has one user")
    names = tuple(reading.connector.objects)
    writing = reading.bench.writing
    body, name, value = writing.update()

    async def use(target):
        with pytest.raises(Unauthorized):
            await target.write(update_of(writing, body))
        return await target.read(writing.object, writing.record_id)

    manifests = reading.extract(*names, config=viewing)
    assert {each: manifests[each].landed for each in names} == {
        each: len(reading.bench.rows(each)) for each in names
    }
    assert reading.with_target(use, **viewing)[name] != value


async def _by_another(reading, intent):
    async with reading.target() as other:
        await other.write(intent)
