"""How corrections fare, what waits in dead-letter places, and how fast things flow. Pure."""

from calendar import monthrange
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from reconcilers.kpis.figures import Figure, percentile, share, summed
from reconcilers.kpis.sources import Sources, end_of
from reconcilers.state.views import CorrectionView

BY_CLASS = {"class": lambda view: view.code}
TAKEN = "accepted"  # the outcome of a call that the target took
OVER = ("dead", "superseded", "refused", "rejected", "compensated")
FRIDAY = 4


def delivery(sources: Sources) -> Iterator[Figure]:
    """Corrections without the undos, dead letters and the close."""
    yield from _timed(sources)
    yield from _judged(sources)
    yield from _attempted(sources)
    yield from _dead(sources)
    yield _close(sources)


def _timed(sources: Sources) -> Iterator[Figure]:
    opened = {view.exception_key: view.opened_on for view in sources.now.values()}
    accepted = [
        (view, _seconds(end_of(opened[view.exception_key]), view.accepted_at))
        for view in sources.corrections
        if sources.is_recent(view.accepted_at) and view.exception_key in opened
    ]
    verified = [
        (view, _seconds(view.accepted_at, end_of(view.verdict_on)))
        for view in sources.corrections
        if view.state == "verified"
        and view.verdict_on is not None
        and sources.since.date() <= view.verdict_on <= sources.day
    ]
    by_class = {"class": lambda one: one[0].code}
    for percent in (50, 90):
        for code, those in (("time_to_correct", accepted), ("time_to_verify", verified)):
            yield from percentile(
                f"{code}_p{percent}", those, by_class, lambda one: one[1], percent
            )


def _seconds(start: datetime | None, end: datetime | None) -> int:
    return max(int((end - start).total_seconds()), 0) if start and end else 0


def _judged(sources: Sources) -> Iterator[Figure]:
    def is_proved(view: CorrectionView) -> bool:
        return view.verdict_on is not None and view.verdict_on <= sources.day

    def is_over(view: CorrectionView) -> bool:
        return view.state in OVER and view.changed_at < sources.end

    def is_undone(view: CorrectionView) -> bool:
        return view.state == "compensated" and is_over(view)

    def is_verified(view: CorrectionView) -> bool:
        return view.state == "verified" and is_proved(view)

    sent = [
        view
        for view in sources.corrections
        if sources.is_recent(view.sent_at) and (is_proved(view) or is_over(view))
    ]
    taken = [view for view in sources.corrections if sources.is_recent(view.accepted_at)]
    judged = [v for v in taken if v.state in ("verified", "ineffective") and is_proved(v)]
    settled = [view for view in taken if is_verified(view) or is_undone(view)]
    yield from share(
        "first_pass_yield", sent, BY_CLASS, lambda view: is_verified(view) and view.writes == 1
    )
    yield from share("ineffective_rate", judged, BY_CLASS, lambda view: view.state == "ineffective")
    yield from share("compensation_rate", settled, BY_CLASS, is_undone)


def _attempted(sources: Sources) -> Iterator[Figure]:
    takes = Counter(each.correction_id for each in sources.tries if each.outcome == TAKEN)
    twice = sum(count > 1 for count in takes.values())
    yield Figure("duplicate_effects", "total", "", twice)
    recent = [each for each in sources.tries if sources.is_recent(each.started_at)]
    failed = Counter(each.error_class for each in recent if each.error_class)
    yield Figure("attempt_error_share", "total", "", failed.total(), len(recent))
    for error, count in sorted(failed.items()):
        yield Figure("attempt_error_share", "error", error, count, len(recent))


def _dead(sources: Sources) -> Iterator[Figure]:
    """Each dead letter with its place and since when it lies there."""
    letters: list[tuple[str, datetime]] = [
        ("corrections", view.changed_at)
        for view in sources.corrections
        if view.state == "dead" and view.changed_at < sources.end
    ]
    letters += [("events", at) for at in sources.refused_events]
    letters += [
        ("quarantine", datetime(day.year, day.month, day.day, tzinfo=UTC))
        for day in sources.frames["quarantine"]["snapshot_date"]
    ]
    queue = {"queue": lambda letter: letter[0]}
    yield from summed("dlq_depth", letters, queue, lambda _: 1)
    yield from percentile(
        "dlq_age", letters, queue, lambda letter: _seconds(letter[1], sources.end), 100
    )


def _close(sources: Sources) -> Figure:
    """Of the last month that a reviewer signed, by the first signature of a night behind its end.

    A night belongs to the month whose last day is the newest that it covers.
    """
    days: dict[date, datetime] = {}
    for night, at in sources.reviews:
        end = _last_month_end(night)
        days[end] = min(at, days.get(end, at))
    if not days:
        return Figure("close_days", "total", "", None)
    end = max(days)
    return Figure("close_days", "total", "", business_days(end, days[end].date()))


def _last_month_end(night: date) -> date:
    is_last = night.day == monthrange(night.year, night.month)[1]
    return night if is_last else night.replace(day=1) - timedelta(days=1)


def business_days(after: date, until: date) -> int:
    """Weekdays behind a day, up to another one; holidays count."""
    days: Sequence[date] = [
        after + timedelta(days=step) for step in range(1, (until - after).days + 1)
    ]
    return sum(day.weekday() <= FRIDAY for day in days)
