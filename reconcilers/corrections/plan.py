"""Turns exceptions into corrections: what to write, whether it may be, and who must agree. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import polars as pl

from reconcilers.corrections.correction import (
    DEEDS,
    POSTINGS,
    Correction,
    Field,
    Subject,
    Written,
)
from reconcilers.corrections.facts import index
from reconcilers.corrections.guard import Guard, shipped_guard
from reconcilers.corrections.images import shows
from reconcilers.corrections.plan_context import PlanContext
from reconcilers.corrections.plan_seals import with_seals
from reconcilers.corrections.policy import FREEDOM, Mode, Policy, Rule
from reconcilers.corrections.states import CorrectionState
from reconcilers.corrections.writers import RuleKey, write
from reconcilers.life import ExceptionLife, ExceptionState
from reconcilers.sealing import Seals, bare

NONE_SPENT: Mapping[str, int] = MappingProxyType({})
_MODES = {"P": Mode.APPROVE, "P2": Mode.APPROVE_TWO}  # what the matrix calls approvals
_STOPS = (CorrectionState.REFUSED, CorrectionState.HELD, CorrectionState.PROPOSED)
NONE_WRITTEN: Mapping[Field, Sequence[Written]] = MappingProxyType({})


def plan(
    drift: pl.DataFrame,
    systemic_codes: Collection[str],
    lives: Mapping[str, ExceptionLife],
    context: PlanContext,
    policy: Policy,
    *,
    spent: Mapping[str, int] = NONE_SPENT,
    written: Mapping[Field, Sequence[Written]] = NONE_WRITTEN,
    guard: Guard | None = None,
    seals: Seals | None = None,
) -> tuple[Correction, ...]:
    """The corrections of one night, in the order of their exception keys.

    Only open exceptions of classes that policy lets us write are planned, and none that another one
    explains: that one is to be put right. What cannot be posted comes back refused with its
    reasons. What fired too often to be true (`systemic_codes`), breaks a cap or was tried without
    effect comes back held. `spent` counts by exception the corrections that were sent in vain (see
    `outbox.spent_corrections`); `written` tells by field those that worked or were undone (see
    `outbox.written_fields`): what came back after them is not written again by itself. `guard` is
    the matrix, by default the one that ships: what it does not give comes back refused, too, and so
    does, without `seals`, what is personal.
    """
    facts, law = index(context), guard or shipped_guard()
    planned = [
        _with_caution(
            replace(_lawful(with_seals(written_by, seals), law), valid_hours=rule.valid_hours),
            systemic_codes,
            written,
        )
        for subject, rule in _subjects(drift, lives, policy, spent)
        if (written_by := write(subject, rule, facts)) is not None
    ]
    return tuple(_within_caps(_without_rivals(_once(planned)), policy))


def _subjects(
    drift: pl.DataFrame,
    lives: Mapping[str, ExceptionLife],
    policy: Policy,
    spent: Mapping[str, int],
) -> Iterator[tuple[Subject, Rule]]:
    is_own = (pl.col("disposition") == "exception") & pl.col("explained_by").is_null()
    exceptions = drift.filter(is_own).sort("exception_key")
    for row in exceptions.iter_rows(named=True):
        rule = policy.rule(row["code"], row["cause"])
        life = lives.get(row["exception_key"])
        if rule.mode is Mode.REPORT or life is None or life.state is not ExceptionState.OPEN:
            continue
        yield _subject(row, life, rule, spent.get(row["exception_key"], 0)), rule


def _subject(row: Mapping[str, Any], life: ExceptionLife, rule: Rule, spent: int) -> Subject:
    return Subject(
        exception_key=row["exception_key"],
        snapshot_date=row["snapshot_date"],
        code=row["code"],
        cause=row["cause"],
        canonical_id=row["canonical_id"],
        owner_system=row["owner_system"],
        owner_id=row["owner_id"],
        replica_system=row["replica_system"],
        replica_id=row["replica_id"],
        attribute=row["attribute"],
        expected=row["expected"],
        comparison=row["comparison"],
        row_key=row["row_key"],
        correlation_id=row["correlation_id"] or f"exc_{row['exception_key'][:20]}",
        impact_minor=row["impact_minor"],
        currency=row["currency"],
        impact_reporting_minor=row["impact_reporting_minor"],
        severity=rule.severity(row["severity"]),
        episode=life.episode,
        is_ineffective=life.is_ineffective,
        spent=spent,
    )


def _lawful(correction: Correction, guard: Guard) -> Correction:
    """Refused, where the matrix does not give the write; never freer than the matrix has it."""
    day = correction.subject.snapshot_date
    found = guard.refusals(correction, day)
    if not found:
        modes = (Mode(correction.mode), *(_MODES[p] for p in guard.approvals(correction, day) if p))
        return replace(correction, mode=min(modes, key=FREEDOM.__getitem__).value)
    return replace(correction, refusals=(*correction.refusals, *found), payload={})


def _with_caution(
    correction: Correction,
    systemic_codes: Collection[str],
    written: Mapping[Field, Sequence[Written]],
) -> Correction:
    if correction.refusals:
        return replace(
            correction,
            state=CorrectionState.REFUSED,
            state_reason="; ".join(f"{r.field}: {r.problem}" for r in correction.refusals),
        )
    if correction.subject.code in systemic_codes:
        return _held(correction, "systemic: the class fires on too large a share of its rows")
    earlier = written.get(_field(correction), ())
    alike = [one for one in earlier if _is_alike(one, correction)]
    if any(one.is_undone for one in alike):
        return _held(correction, "a correction like this one was undone by people")
    was_posted = correction.action in {*POSTINGS, *DEEDS} and correction.subject.spent > 0
    if correction.subject.is_ineffective or was_posted:
        return _held(correction, "an earlier correction of this exception had no effect")
    if alike and not shows(correction.before or {}, earlier[-1].after):
        times = len(alike)
        return _held(correction, f"flapping: the field was corrected {times} times and came back")
    return correction


def _is_alike(one: Written, correction: Correction) -> bool:
    """Whether an earlier write set the value wanted now, or was over the value that is seen now."""
    return shows(correction.after, one.after) or bare(one.before) == bare(correction.before)


def _once(planned: Sequence[Correction]) -> list[Correction]:
    """One write that several findings ask for stands once, as strictly as any of them has it."""
    asked: dict[str, list[Correction]] = defaultdict(list)
    for item in planned:
        asked[item.idempotency_key].append(item)
    return [_strictest(items) for items in asked.values()]


def _strictest(items: Sequence[Correction]) -> Correction:
    """What is refused or held for one finding is so for all; the fewest freedoms of any count."""
    mode = min((Mode(item.mode) for item in items), key=FREEDOM.__getitem__)
    kept = min(items, key=lambda one: (_STOPS.index(one.state), FREEDOM[Mode(one.mode)]))
    return replace(kept, mode=mode.value)


def _without_rivals(planned: Sequence[Correction]) -> list[Correction]:
    """Two corrections of one field of one record cannot both be right: both are held."""
    fields: dict[Field, list[Correction]] = defaultdict(list)
    for item in planned:
        fields[_field(item)].append(item)
    return [
        _held(item, f"{len(fields[_field(item)])} corrections want the same field of this record")
        if len(fields[_field(item)]) > 1 and not item.refusals
        else item
        for item in planned
    ]


def _field(item: Correction) -> Field:
    return item.system, item.object, item.record_id, item.attribute


def _within_caps(planned: Sequence[Correction], policy: Policy) -> Iterator[Correction]:
    """Hold what breaks a cap; let automatic ones within the caps go, naming the rule."""
    runs: dict[RuleKey, list[Correction]] = defaultdict(list)
    for item in planned:
        if not item.refusals:
            runs[_rule_key(item)].append(item)
    verdicts = {key: _run_verdict(key, items, policy) for key, items in runs.items()}
    for item in planned:
        if item.state is not CorrectionState.PROPOSED:
            yield item
        elif broken := verdicts[_rule_key(item)] or _amount_verdict(item, policy):
            yield _held(item, broken)
        elif item.mode == Mode.AUTO:
            yield replace(
                item,
                state=CorrectionState.APPROVED,
                state_reason=_cap_rule(item, runs[_rule_key(item)], policy),
            )
        else:
            yield item


def _rule_key(item: Correction) -> RuleKey:
    return item.subject.code, item.subject.cause


def _run_verdict(key: RuleKey, items: Sequence[Correction], policy: Policy) -> str | None:
    caps = policy.rule(*key).caps
    if caps is None:
        return "no caps are set"
    if len(items) > caps.rows_per_run:
        return f"cap broken: {len(items)} corrections in one run, {caps.rows_per_run} allowed"
    total = _money(items)
    if total > caps.amount_per_run_minor:
        return (
            f"cap broken: {total} minor units of {policy.reporting_currency} in one run, "
            f"{caps.amount_per_run_minor} allowed"
        )
    return None


def _amount_verdict(item: Correction, policy: Policy) -> str | None:
    caps = policy.rule(*_rule_key(item)).caps
    amount = _money([item])
    if caps is not None and amount > caps.amount_per_correction_minor:
        return (
            f"cap broken: {amount} minor units of {policy.reporting_currency} in one correction, "
            f"{caps.amount_per_correction_minor} allowed"
        )
    return None


def _cap_rule(item: Correction, run: Sequence[Correction], policy: Policy) -> str:
    caps = policy.rule(*_rule_key(item)).caps
    cause = item.subject.cause
    name = f"{item.subject.code}.cause.{cause}" if cause else item.subject.code
    limit = caps.rows_per_run if caps else 0
    return f"auto by [{name}]: {len(run)} of {limit} rows, {_money(run)} minor units in this run"


def _money(items: Iterable[Correction]) -> int:
    return sum(abs(item.subject.impact_reporting_minor or 0) for item in items)


def _held(item: Correction, reason: str) -> Correction:
    return replace(item, state=CorrectionState.HELD, state_reason=reason)
