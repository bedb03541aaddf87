"""The open exceptions: how they came and went, how old they are, what they cost. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from reconcilers.backlog import gross, movements
from reconcilers.kpis.figures import Figure, counted, percentile, share, summed
from reconcilers.kpis.sources import WINDOW, FirstSight, Sources, end_of
from reconcilers.report.lines import is_overdue
from reconcilers.state.views import ExceptionView

BY_CLASS = {"class": lambda view: view.code}
BY_CLASS_AND_SEVERITY = {**BY_CLASS, "severity": lambda view: view.severity}
LEAKING = ("CON-", "SUB-", "USG-", "INV-SCHD-")
WITHIN_A_DAY = 1


@dataclass(frozen=True)
class Effort:
    """What finance says that an exception takes: minutes, and what an hour costs, minor units."""

    minutes: int
    hour_minor: int


def backlog(sources: Sources, effort: Effort | None = None) -> Iterator[Figure]:
    """Movements, age, detection, money found; cost where an effort is configured."""
    yield from _moved(sources)
    yield from _aged(sources)
    yield from _detected(sources)
    yield from _leaked(sources)
    views = sources.now.values()
    since = sources.day - WINDOW
    raised = [view for view in views if since <= view.opened_on < sources.day]
    yield from share("false_alert_rate", raised, BY_CLASS, _was_false)
    if effort is not None:
        owned = [v for v in views if since < v.opened_on and not v.explained_by]
        yield _cost(len(owned), effort, sources.policy.reporting_currency)


def _moved(sources: Sources) -> Iterator[Figure]:
    moved, currency = movements(sources.before, sources.now), sources.policy.reporting_currency
    told = {
        "open": moved.closing,
        "detected": moved.detected,
        "reopened": moved.reopened,
        "resolved_self": moved.resolved_self,
        "resolved_verified": moved.resolved_verified,
    }
    for name, views in told.items():
        yield from counted(f"exceptions_{name}", views, BY_CLASS)
        yield from summed(f"money_{name}", views, BY_CLASS, gross, currency=currency)
    changed = [(view.code, minor) for view, minor in moved.revalued if minor]
    by_class = {"class": lambda one: one[0]}
    yield from summed("money_revalued", changed, by_class, lambda one: one[1], currency=currency)


def _aged(sources: Sources) -> Iterator[Figure]:
    views = [view for view in sources.now.values() if view.resolved_on is None]
    yield from summed(
        "exception_age_mean",
        views,
        BY_CLASS_AND_SEVERITY,
        lambda view: view.age_days * gross(view),
        gross,
        currency=sources.policy.reporting_currency,
    )
    yield from percentile(
        "exception_age_p90", views, BY_CLASS_AND_SEVERITY, lambda view: view.age_days, 90
    )
    decided = [view for view in views if not view.explained_by]
    yield from share(
        "exceptions_over_sla",
        decided,
        BY_CLASS_AND_SEVERITY,
        lambda view: is_overdue(view, sources.policy.rule(view.code, view.cause)),
    )


def _detected(sources: Sources) -> Iterator[Figure]:
    """Of what happened since somebody was looking: what the first night found says nothing."""
    first = sources.nights[0]
    sights = [
        each
        for each in sources.first_sights
        if each.seen_on > first and each.event_at >= end_of(first)
    ]
    ends = [end_of(night) for night in sources.nights]

    def whole(sight: FirstSight) -> int:
        return _seconds(end_of(sight.seen_on) - sight.event_at)

    def lag(sight: FirstSight) -> int:
        covered = next((end for end in ends if end > sight.event_at), ends[-1])
        return min(_seconds(covered - sight.event_at), whole(sight))

    yield from percentile("time_to_detect_p50", sights, BY_CLASS, whole, 50)
    yield from percentile("time_to_detect_p90", sights, BY_CLASS, whole, 90)
    yield from percentile("detect_lag_p50", sights, BY_CLASS, lag, 50)
    yield from percentile("detect_grace_p50", sights, BY_CLASS, lambda s: whole(s) - lag(s), 50)


def _seconds(span: timedelta) -> int:
    return max(int(span.total_seconds()), 0)


def _leaked(sources: Sources) -> Iterator[Figure]:
    views = [
        view
        for view in sources.now.values()
        if view.code.startswith(LEAKING) and not view.explained_by
    ]
    since = sources.day - WINDOW
    for sign, found, back in (
        (1, "leakage_found", "leakage_recovered"),
        (-1, "overbilling_found", "overbilling_recovered"),
    ):
        signed = [view for view in views if (view.impact_reporting_minor or 0) * sign > 0]
        raised = [view for view in signed if view.opened_on > since]
        over = [view for view in signed if view.resolved_on and view.resolved_on > since]
        for code, those in ((found, raised), (back, over)):
            currency = sources.policy.reporting_currency
            yield from summed(code, those, BY_CLASS, gross, currency=currency)


def _was_false(view: ExceptionView) -> bool:
    return view.state == "RESOLVED_SELF" and view.age_days <= WITHIN_A_DAY


def _cost(exceptions: int, effort: Effort, currency: str) -> Figure:
    exact = Decimal(exceptions * effort.minutes * effort.hour_minor) / 60
    minor = int(exact.to_integral_value(ROUND_HALF_EVEN))
    return Figure("exception_cost", "total", "", minor, currency=currency)
