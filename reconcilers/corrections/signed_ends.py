"""Corrections of when a subscription ends, to the term that was signed. Pure.

Only ends that lie ahead of what is invoiced: a start, another frequency or an end within a period
that was charged moves money that people have to see.
"""

import calendar
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from extractors.billing.stripe.writable import unwritable, written_phases
from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.field_copies import field_correction
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.signed_terms import correct_renewal
from reconcilers.corrections.subscription_ends import STANDING, end_refusals
from reconcilers.corrections.wire_fields import NO_PRORATION, PLACES

PHASES = PLACES["stripe", "contract", "end_date"]
_END = replace(
    PLACES["stripe", "subscription", "cancel_decision"],
    path=("cancel_at",),
    beside=(),
    how=NO_PRORATION,
    said=lambda value: None if value is None else int(value),
)
# Of the schedule: it is still laid over its subscription.
IN_FORCE = {"canceled_at": None, "released_at": None}
_DAY = 86_400
_YEARS_AHEAD = 20
_LONGEST = 31  # days of a month


def correct_term(subject: Subject, rule: Rule, facts: Facts) -> Correction | None:
    """CON-TERM-01: the end of a plan, or what comes after the term; nothing else of it."""
    if subject.replica_id is None:
        return None
    if subject.attribute == "end_date":
        return _correct_end(subject, rule, facts)
    ends = subject.attribute == "is_auto_renewed" and subject.expected == "false"
    if ends and not facts.schedules.get(subject.replica_id):
        return _end_with_term(subject, rule, facts)
    return correct_renewal(subject, rule, facts)


def phases_of(plan: Row) -> list[dict[str, Any]]:
    """The phase that runs and those to come, as they would be written."""
    return written_phases(_record(plan))


def plan_refusals(plans: Sequence[Row]) -> tuple[Refusal, ...]:
    """Why the phases of a subscription cannot be replaced."""
    if len(plans) != 1:
        problem = f"{len(plans)} schedules plan what comes next"
        return (phase_refusal(problem, "lay one schedule over the subscription in billing"),)
    lost = unwritable(_record(plans[0]))
    if not lost:
        return ()
    problem = f"its phases hold what would be lost ({', '.join(lost)})"
    return (phase_refusal(problem, "change the phases of the schedule in billing"),)


def phase_refusal(problem: str, fix: str) -> Refusal:
    return Refusal("phases", f"{PHASES.object}.{PHASES.name}", problem, fix)


def phases_correction(
    subject: Subject,
    rule: Rule,
    plans: Sequence[Row],
    *,
    phases: Sequence[object] | None,
    reason: str,
    refusals: tuple[Refusal, ...],
) -> Correction:
    """The phases that have not begun, replaced: all of them are written, or none."""
    plan = plans[0] if len(plans) == 1 else None
    return field_correction(
        subject,
        rule,
        PHASES,
        ("stripe", plan["schedule_id"] if plan else subject.replica_id or ""),
        held=plan and {"value": json.dumps(phases_of(plan)), "version": plan["version"]},
        value=None if phases is None else json.dumps(phases),
        reason=reason,
        refusals=refusals,
        standing=IN_FORCE,
    )


def local_day(instant: int, zone: str | None) -> date:
    return datetime.fromtimestamp(instant, ZoneInfo(zone or "UTC")).date()


def _record(plan: Row) -> dict[str, Any]:
    runs = plan["runs_since"]
    return {
        "phases": json.loads(plan["phases"]),
        "current_phase": None if runs is None else {"start_date": runs},
    }


def _correct_end(subject: Subject, rule: Rule, facts: Facts) -> Correction | None:
    """The last phase ends with the contract; phases that ended are past, and stay as they are."""
    term = facts.signed_terms.get(subject.row_key)
    if term is None or term["billing_end_date"] is None:
        return None
    plans = facts.schedules.get(subject.replica_id or "", ())
    days = (term["end_date"] - term["billing_end_date"]).days
    refusals, phases = plan_refusals(plans), None
    if not refusals:
        *before, last = phases_of(plans[0])
        phases = [*before, {**last, "end_date": last["end_date"] + days * _DAY}]
        refusals = tuple(_against_end(last["end_date"], phases[-1], plans[0], days))
    return phases_correction(
        subject,
        rule,
        plans,
        phases=phases,
        reason=f"the contract ends on {term['end_date']}",
        refusals=refusals,
    )


def _against_end(was: int, last: dict[str, Any], plan: Row, days: int) -> Iterator[Refusal]:
    zone = plan["time_zone"]
    if (local_day(last["end_date"], zone) - local_day(was, zone)).days != days:
        # and at another hour than the periods of the subscription, one more would be charged
        yield phase_refusal(
            "clocks change before the contract ends, and the hour of the plan is another day then",
            "set the end of the last phase in billing, with the period that ends there",
        )
    if last["end_date"] <= max(last["start_date"], plan["period_end"] or 0):
        yield phase_refusal(
            "the contract ends within what is planned or charged before",
            "end the subscription in billing by hand, and credit what is beyond the term",
        )


def _end_with_term(subject: Subject, rule: Rule, facts: Facts) -> Correction | None:
    """An end of its own, with the period that ends with the contract."""
    term, held = facts.signed_terms.get(subject.row_key), facts.ends.get(subject.replica_id or "")
    if term is None:
        return None
    at = _period_end(term)
    refusals = end_refusals(held) if held else ()
    if held and not refusals and at is None:
        refusals = (
            Refusal(
                "whole periods",
                f"{_END.object}.{_END.name}",
                f"no period ends with the contract on {term['end_date']}",
                "set the end in billing, and agree on what the last days cost",
            ),
        )
    return field_correction(
        subject,
        rule,
        _END,
        ("stripe", subject.replica_id or ""),
        held=held and {"value": None, "version": held["version"]},
        value=None if at is None else str(at),
        reason=f"the contract does not renew, and ends on {term['end_date']}",
        refusals=refusals,
        standing=STANDING,
    )


def _period_end(term: Row) -> int | None:
    """The end of this or a later period that falls on the day after the contract; unix seconds."""
    if term["months"] is None or term["period_end"] is None:
        return None
    # on which day of the month the periods began once is not read
    ahead = 1 if _may_be_later(term["period_end"]) else _YEARS_AHEAD * 12
    ends = (_months_after(term["period_end"], count) for count in range(0, ahead, term["months"]))
    days = ((at, local_day(at, term["time_zone"])) for at in ends)
    return next((at for at, day in days if (day - term["end_date"]).days == 1), None)


def months_after(day: date, count: int) -> date:
    """So many months later, on the last day where there is no such day."""
    years, month = divmod(day.month - 1 + count, 12)
    last = calendar.monthrange(day.year + years, month + 1)[1]
    return day.replace(year=day.year + years, month=month + 1, day=min(day.day, last))


def _months_after(instant: int, count: int) -> int:
    """The same hour of UTC so many months later."""
    at = datetime.fromtimestamp(instant, UTC)
    return int(datetime.combine(months_after(at.date(), count), at.time(), UTC).timestamp())


def _may_be_later(instant: int) -> bool:
    """Whether periods that end on this day may end on a later one of a longer month."""
    day = datetime.fromtimestamp(instant, UTC)
    return day.day == calendar.monthrange(day.year, day.month)[1] < _LONGEST
