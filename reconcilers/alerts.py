"""What the night's people have to hear of at once, by what it costs, and each of it once. Pure.

An alert has a key of its own fact: while it stands it is told once, again when it grew by a tenth,
and again after a week. A quiet night has none.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from reconcilers.corrections.policy import Policy
from reconcilers.report.amounts import whole
from reconcilers.report.data import CONTROL_CODES
from reconcilers.report.lines import is_overdue
from reconcilers.rules.codes import CODES
from reconcilers.state.views import CorrectionView, ExceptionView

GRAVE = ("S1", "S2")
AGAIN_AFTER = timedelta(days=7)
GREW = 10  # per cent
NIGHT_IS_OVER = timedelta(hours=6)  # after midnight UTC: by then yesterday is reconciled
CONTROLLER = "finance-ops"
LISTED = 5


@dataclass(frozen=True)
class Alert:
    """One thing to hear of. `amount_minor` is money at risk in the reporting currency, unsigned."""

    key: str
    channel: str
    title: str
    lines: tuple[str, ...]
    count: int
    amount_minor: int = 0


@dataclass(frozen=True)
class Told:
    """What was told of a key last, and when."""

    at: datetime
    count: int
    amount_minor: int


@dataclass(frozen=True)
class Morning:
    """The newest night as the state store has it; `exponents` are those of currencies."""

    day: date
    exceptions: Sequence[ExceptionView]
    tieouts: pl.DataFrame
    dead: Sequence[CorrectionView]
    policy: Policy
    exponents: Mapping[str, int]

    def money(self, minor: int) -> str:
        return whole(minor, self.policy.reporting_currency, self.exponents)


def alerts_of(morning: Morning) -> list[Alert]:
    """Everything that stands on this morning, in a fixed order."""
    return [alert for source in SOURCES for alert in source(morning)]


def missed(newest: date | None, now: datetime) -> list[Alert]:
    """That yesterday's night is over and was not recorded; nothing before the first night ever."""
    due = (now - NIGHT_IS_OVER).date() - timedelta(days=1)
    if newest is None or newest >= due:
        return []
    days = (due - newest).days
    title = f"{days} night{'s' if days > 1 else ''} missed: the newest is of {newest}"
    lines = ("Nothing was reconciled since: look at the runs, then `tieout backfill`.",)
    return [Alert(f"missed:{newest}", "data-incidents", title, lines, days)]


def night_failed(day: date, step: str) -> Alert:
    """That a night broke off; its step says where to look."""
    title = f"The night of {day} failed in {step}"
    lines = (f"Run it again when that is mended: `tieout nightly {day}`.",)
    return Alert(f"failed:{day}", "data-incidents", title, lines, 1)


def unheard(alerts: Iterable[Alert], told: Mapping[str, Told], now: datetime) -> list[Alert]:
    """Those of which nobody heard yet, or not as grave, or not for a week."""
    return [alert for alert in alerts if _is_news(alert, told.get(alert.key), now)]


def _is_news(alert: Alert, told: Told | None, now: datetime) -> bool:
    if told is None or now - told.at >= AGAIN_AFTER:
        return True
    return _grew(told.count, alert.count) or _grew(told.amount_minor, alert.amount_minor)


def _grew(before: int, now: int) -> bool:
    return now > before and (now - before) * 100 >= GREW * before


def _incomplete(morning: Morning) -> Iterator[Alert]:
    """What was not read whole; it is told by object, and all else of the night is in doubt."""
    found = [e for e in morning.exceptions if e.code in CONTROL_CODES and e.resolved_on is None]
    if found:
        lines = tuple(sorted(f"{e.code} {e.owner_system} {e.owner_id}" for e in found))
        channel = morning.policy.rule(found[0].code, None).alert_channel
        title = f"Extraction incomplete: {len(found)} objects of the night of {morning.day}"
        yield Alert("incomplete", channel, title, lines, len(found))


def _tieouts(morning: Morning) -> Iterator[Alert]:
    broken = morning.tieouts.filter(~pl.col("holds")).sort("code", "scope", "currency", "period")
    for (code,), rows in broken.group_by("code", maintain_order=True):
        lines = tuple(
            f"{row['scope']} {row['currency']} {row['period']}: "
            f"{row['unexplained_minor'] or 0} minor units unexplained"
            for row in rows.head(LISTED).iter_rows(named=True)
        )
        title = f"{code} does not hold: {rows.height} lines of the night of {morning.day}"
        yield Alert(f"tieout:{code}", CONTROLLER, title, lines, rows.height)


def _new(morning: Morning) -> Iterator[Alert]:
    """Grave exceptions that this night opened, by class."""
    new = [e for e in _own(morning) if e.opened_on == morning.day and e.severity in GRAVE]
    return _by_class(morning, new, f"new:{morning.day}", "new")


def _overdue(morning: Morning) -> Iterator[Alert]:
    """Grave exceptions on which nobody decided in time, by class."""
    rule = morning.policy.rule
    late = [
        e for e in _own(morning) if e.severity in GRAVE and is_overdue(e, rule(e.code, e.cause))
    ]
    return _by_class(morning, late, "overdue", "past their time")


def _dead(morning: Morning) -> Iterator[Alert]:
    dead: dict[str, list[CorrectionView]] = defaultdict(list)
    for item in morning.dead:
        dead[item.code].append(item)
    for code, items in sorted(dead.items()):
        channel = morning.policy.rule(code, None).alert_channel
        lines = tuple(f"{i.correction_id}: {i.state_reason or ''}" for i in items[:LISTED])
        title = f"{len(items)} corrections of {code} died: mend the cause, then replay"
        risk = sum(abs(i.impact_reporting_minor or 0) for i in items)
        yield Alert(f"dead:{code}", channel, title, lines, len(items), risk)


SOURCES: tuple[Callable[[Morning], Iterator[Alert]], ...] = (
    _incomplete,
    _tieouts,
    _new,
    _overdue,
    _dead,
)


def _own(morning: Morning) -> list[ExceptionView]:
    """Open exceptions that no other one explains, and that tell of business."""
    return [
        e
        for e in morning.exceptions
        if e.state == "OPEN" and not e.explained_by and e.code not in CONTROL_CODES
    ]


def _by_class(
    morning: Morning, views: Iterable[ExceptionView], about: str, words: str
) -> Iterator[Alert]:
    classes: dict[str, list[ExceptionView]] = defaultdict(list)
    for view in views:
        classes[view.code].append(view)
    for code, items in sorted(classes.items()):
        risk = sum(abs(e.impact_reporting_minor or 0) for e in items)
        dearest = sorted(
            items, key=lambda e: (-abs(e.impact_reporting_minor or 0), e.exception_key)
        )
        lines = tuple(
            f"{morning.money(abs(e.impact_reporting_minor or 0))}: {e.owner_system} {e.owner_id}, "
            f"`tieout exceptions show {e.exception_key[:12]}`"
            for e in dearest[:LISTED]
        )
        title = f"{code} {CODES[code]}: {len(items)} {words}, {morning.money(risk)} at risk"
        channel = morning.policy.rule(code, None).alert_channel
        yield Alert(f"{about}:{code}", channel, title, lines, len(items), risk)
