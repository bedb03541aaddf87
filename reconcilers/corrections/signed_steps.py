"""Corrections of ramps: the phases that have not begun, as the steps that were signed. Pure.

A step whose day has come is for people: what it missed is charged by them.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.signed_ends import (
    local_day,
    phase_refusal,
    phases_correction,
    phases_of,
    plan_refusals,
)
from reconcilers.corrections.signed_prices import fitting, taken_off

Phase = Mapping[str, Any]
_LINE = "crm_contract_line_id"


class NotPlainError(Exception):
    """What is planned cannot be changed by this step alone; carries the refusals."""

    def __init__(self, *refusals: Refusal) -> None:
        super().__init__()
        self.refusals = refusals


def correct_step(subject: Subject, rule: Rule, facts: Facts) -> Correction | None:
    """CON-RAMP-01: units, price and first day of a step that lies ahead."""
    step = facts.signed_steps.get(subject.row_key)
    if subject.replica_id is None or step is None:
        return None
    plans = facts.schedules.get(subject.replica_id, ())
    refusals, phases = plan_refusals(plans), None
    if not refusals:
        try:
            phases = _planned(phases_of(plans[0]), step, plans[0]["time_zone"], facts)
        except NotPlainError as no:
            refusals = no.refusals
    return phases_correction(
        subject,
        rule,
        plans,
        phases=phases,
        reason=f"{subject.expected} was signed, and billing plans otherwise",
        refusals=refusals,
    )


def _planned(
    phases: Sequence[Phase], step: Row, zone: str | None, facts: Facts
) -> list[dict[str, Any]]:
    if step["has_begun"]:
        raise _not_plain("the step should have begun", "change the item, and charge what it missed")
    starts = _instant(step["start_date"], phases, zone)
    own = [at for at, phase in enumerate(phases) if _item_of(phase, step["contract_line_id"])]
    if own and own[0] == 0:
        raise _not_plain("the step is in the phase that runs", "change the item in billing")
    if own:
        moved = _moved(phases, own[0], starts)
        line = step["contract_line_id"]
        return [_with_item(phase, line, step, facts) for phase in moved]
    ends = _instant(step["end_date"] + timedelta(days=1), phases, zone)
    cut = _cut(phases, starts, ends)
    return [
        _with_item(phase, step["former_line_id"], step, facts)
        if starts <= phase["start_date"] and phase["end_date"] <= ends
        else dict(phase)
        for phase in cut
    ]


def _moved(phases: Sequence[Phase], at: int, starts: int) -> list[dict[str, Any]]:
    """The boundary before a phase, elsewhere; nothing else may begin with it."""
    before, phase = dict(phases[at - 1]), dict(phases[at])
    if starts == phase["start_date"]:
        return [dict(one) for one in phases]
    if not before["start_date"] < starts < phase["end_date"]:
        raise _not_plain("another phase lies between", "change the phases of the schedule")
    if len([one for one in phase["items"] if one not in before["items"]]) != 1:
        raise _not_plain("another step begins with it", "change the phases of the schedule")
    before["end_date"] = phase["start_date"] = starts
    return [*map(dict, phases[: at - 1]), before, phase, *map(dict, phases[at + 1 :])]


def _cut(phases: Sequence[Phase], starts: int, ends: int) -> list[dict[str, Any]]:
    """Phases such that the step fills some of them whole: cut where it begins, or one more."""
    last = dict(phases[-1])
    if starts == last["end_date"]:
        return [*map(dict, phases), {**last, "start_date": starts, "end_date": ends}]
    whole = [dict(one) for one in phases]
    at = next(
        (n for n, one in enumerate(whole) if one["start_date"] < starts < one["end_date"]), None
    )
    if at is not None:
        whole[at : at + 1] = [
            {**whole[at], "end_date": starts},
            {**whole[at], "start_date": starts},
        ]
    if starts not in {one["start_date"] for one in whole[1:]}:
        raise _not_plain("no phase is planned for that day", "plan its phase in billing")
    if any(one["start_date"] < ends < one["end_date"] for one in whole):
        raise _not_plain("a phase lasts longer than the step", "plan its phases in billing")
    return whole


def _with_item(phase: Phase, line: str | None, step: Row, facts: Facts) -> dict[str, Any]:
    """A phase in which the item of a line is that of the step."""
    old = _item_of(phase, line)
    if old is None:
        if line == step["contract_line_id"]:
            return dict(phase)
        raise _not_plain("no item names the step before", "plan its phase in billing")
    percent = taken_off(old.get("discounts", ()), facts.coupons)
    held = facts.prices.get(old["price"])
    price, noes = fitting(step, percent if percent is not None else Fraction(-1), held, facts)
    if noes:
        raise NotPlainError(*noes)
    metadata = {**old.get("metadata", {}), _LINE: step["contract_line_id"]}
    new = {**old, "price": price, "quantity": step["quantity"], "metadata": metadata}
    return {**phase, "items": [new if one is old else one for one in phase["items"]]}


def _item_of(phase: Phase, line: str | None) -> Mapping[str, Any] | None:
    """The one item of a phase that names a contract line."""
    named = [one for one in phase["items"] if one.get("metadata", {}).get(_LINE) == line]
    return named[0] if line and len(named) == 1 else None


def _instant(day: date, phases: Sequence[Phase], zone: str | None) -> int:
    """When a day of the selling entity begins in a plan: a boundary of it, or its usual hour.

    Noon (UTC) where that hour is another day there.
    """
    known = [phases[0]["start_date"], *(phase["end_date"] for phase in phases)]
    if found := [at for at in known if local_day(at, zone) == day]:
        return int(found[0])
    usual = datetime.fromtimestamp(known[0], UTC).time()
    for each in (day, day - timedelta(days=1), day + timedelta(days=1)):
        at = int(datetime.combine(each, usual, UTC).timestamp())
        if local_day(at, zone) == day:
            return at
    return int(datetime.combine(day, time(12), UTC).timestamp())


def _not_plain(problem: str, fix: str) -> NotPlainError:
    return NotPlainError(phase_refusal(problem, fix))
