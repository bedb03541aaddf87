"""Laws of the exception life cycle: order and repetition of nights do not matter."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from reconcilers.corrections.policy import load_policy
from reconcilers.exceptions import exceptions_as_of, record_night
from reconcilers.life import REOPEN_WITHIN, AcceptedCorrection, NightFact, Sighting, fold
from reconcilers.state import open_state
from reconcilers.state.audit import verify_audit
from reconcilers.state.views import list_exceptions, list_nights
from tests.correction_samples import at, night
from tests.drift_samples import drift, missing_invoice
from tests.effort import examples

POLICY = load_policy()
OBJECT = "netsuite.transaction"
DISPOSITIONS = ("exception", "in_flight", "unproven")

offsets = st.lists(st.integers(0, 70), unique=True, min_size=1, max_size=12)
histories = st.dictionaries(
    st.integers(0, 20),
    st.dictionaries(st.sampled_from(["in_1", "in_2", "in_3"]), st.sampled_from(DISPOSITIONS)),
    min_size=1,
    max_size=6,
)


@st.composite
def lives(draw):
    """Nights, what they saw of one key, and corrections accepted between them."""
    numbers = draw(offsets)
    seen = draw(st.dictionaries(st.sampled_from(numbers), st.sampled_from(DISPOSITIONS)))
    unproven = draw(st.sets(st.sampled_from(numbers)))
    accepted = draw(st.lists(st.integers(0, 70), max_size=3))
    nights = [
        NightFact(night(n), {OBJECT: at(n)}, frozenset({"cmp"} if n in unproven else ()))
        for n in numbers
    ]
    sightings = [Sighting(night(n), disposition, "cmp", 1) for n, disposition in seen.items()]
    corrections = [AcceptedCorrection(f"cor_{n}", at(n, 9), OBJECT) for n in accepted]
    return nights, sightings, corrections


@given(lives(), st.randoms())
def test_the_fold_does_not_see_the_order(parts, random):
    nights, sightings, corrections = parts
    expected = fold(nights, sightings, corrections)
    for items in (nights, sightings, corrections):
        random.shuffle(items)
    assert fold(nights, sightings, corrections) == expected


@given(lives())
def test_a_life_is_coherent(parts):
    nights, sightings, corrections = parts
    life = fold(nights, sightings, corrections)
    exceptions = [s.snapshot_date for s in sightings if s.disposition == "exception"]
    assert (life is None) is (not exceptions)
    if life is None:
        return
    assert life.opened_on in exceptions
    assert life.last_seen_on == max(exceptions)
    assert life.nights_seen == len(exceptions)
    assert life.is_open is (life.resolved_on is None)
    newest = max(n.snapshot_date for n in nights)
    end = life.resolved_on or newest
    assert life.age_days == (end - life.opened_on).days >= 0
    if life.resolved_on:
        assert life.resolved_on > life.last_seen_on
        assert not life.is_ineffective
    if life.resolved_by:
        assert life.resolved_by in {c.correction_id for c in corrections}


@given(lives(), st.integers(0, 70))
def test_age_is_kept_only_when_the_drift_is_back_within_30_days(parts, gap):
    nights, sightings, _ = parts
    first = fold(nights, sightings)
    if first is None or first.resolved_on is None:
        return
    back = max(n.snapshot_date for n in nights) + timedelta(days=gap + 1)
    again = fold([*nights, NightFact(back)], [*sightings, Sighting(back, "exception", "cmp", 1)])
    assert again.episode == first.episode + 1
    kept = back - first.resolved_on <= REOPEN_WITHIN
    assert again.opened_on == (first.opened_on if kept else back)


@given(lives())
def test_nothing_is_resolved_by_a_night_that_proves_nothing(parts):
    nights, sightings, corrections = parts
    blind = [NightFact(n.snapshot_date, n.watermarks, frozenset({"cmp"})) for n in nights]
    life = fold(blind, sightings, corrections)
    assert life is None or life.is_open


def store(state, number, seen):
    rows = [
        missing_invoice(name, disposition=disposition, snapshot_date=night(number))
        for name, disposition in seen.items()
    ]
    return record_night(
        state,
        night(number),
        drift(*rows),
        f"run-{number}",
        watermarks={OBJECT: at(number)},
        policy=POLICY,
        recorded_at=at(number, 3),
    )


@settings(max_examples=examples(15), deadline=None)
@given(histories, st.randoms())
def test_nights_recorded_in_any_order_leave_the_same_state(history, random):
    numbers = sorted(history)
    in_order, shuffled = open_state("sqlite://"), open_state("sqlite://")
    for number in numbers:
        store(in_order, number, history[number])
    random.shuffle(numbers)
    for number in numbers:
        store(shuffled, number, history[number])
    assert list_exceptions(shuffled) == list_exceptions(in_order)
    assert list_nights(shuffled) == list_nights(in_order)
    for number in history:
        assert exceptions_as_of(shuffled, night(number)) == exceptions_as_of(
            in_order, night(number)
        )


@settings(max_examples=examples(15), deadline=None)
@given(histories, st.data())
def test_any_night_recorded_again_changes_nothing(history, data):
    state = open_state("sqlite://")
    for number in sorted(history):
        store(state, number, history[number])
    before = (list_exceptions(state), list_nights(state), verify_audit(state))
    again = data.draw(st.sampled_from(sorted(history)))
    assert store(state, again, history[again]).was_known
    assert (list_exceptions(state), list_nights(state), verify_audit(state)) == before
