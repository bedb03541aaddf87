"""One line of the report from one exception or one correction of the state store. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from reconcilers.corrections.policy import Rule
from reconcilers.masking import masked
from reconcilers.report.amounts import amount
from reconcilers.report.rows import CorrectionLine, ExceptionLine
from reconcilers.sealing import veiled
from reconcilers.state.views import CorrectionView, ExceptionView

HOURS_PER_DAY = 24
# What a finding and an exception have in common, as text.
PENDING_TEXTS = (
    "exception_key", "severity", "code", "cause", "entity", "canonical_id", "correlation_id",
    "owner_system", "owner_id", "replica_system", "replica_id", "attribute", "currency",
    "legal_entity", "period", "comparison", "row_key", "explained_by",
)  # fmt: skip


def exception_line(
    view: ExceptionView,
    rule: Rule,
    correction: CorrectionView | None,
    today: date,
    *,
    decomposition: str = "",
    was_open: bool = False,
) -> ExceptionLine:
    """An exception with who has to act on it, and its newest correction.

    `was_open`: it was open after the night before, too.
    """
    is_open = view.resolved_on is None
    is_new = is_open and view.opened_on == today
    return ExceptionLine(
        exception_key=view.exception_key,
        state=view.label,
        severity=view.severity,
        code=view.code,
        cause=view.cause or "",
        entity=view.entity,
        canonical_id=view.canonical_id or "",
        correlation_id=view.correlation_id or "",
        owner_system=view.owner_system or "",
        owner_id=view.owner_id or "",
        replica_system=view.replica_system or "",
        replica_id=view.replica_id or "",
        attribute=view.attribute,
        expected=masked(view.attribute, view.expected),
        observed=masked(view.attribute, view.observed),
        impact_minor=view.impact_minor,
        currency=view.currency or "",
        impact_reporting_minor=view.impact_reporting_minor,
        legal_entity=view.legal_entity or "",
        period=view.period or "",
        opened_on=view.opened_on,
        last_seen_on=view.last_seen_on,
        resolved_on=view.resolved_on,
        age_days=view.age_days,
        is_new=is_new,
        is_overdue=is_overdue(view, rule),
        assignee=rule.assignee,
        correction_id=correction.correction_id if correction else "",
        correction_state=correction.state if correction else "",
        comparison=view.comparison,
        row_key=view.row_key,
        explained_by=view.explained_by or "",
        decomposition=decomposition,
        is_reopened=is_open and not is_new and not was_open,
    )


def is_overdue(view: ExceptionView, rule: Rule) -> bool:
    """Whether a decision is late; nobody has to decide what another exception explains."""
    is_due = view.resolved_on is None and not view.explained_by
    return is_due and view.age_days * HOURS_PER_DAY > rule.sla_hours


def pending_line(row: Mapping[str, Any], rule: Rule) -> ExceptionLine:
    """A finding of this night that is no exception yet; its state says why not."""
    told = {name: row[name] or "" for name in PENDING_TEXTS}
    return ExceptionLine(
        **told,
        state=row["disposition"].upper(),
        expected=masked(row["attribute"], row["expected"]),
        observed=masked(row["attribute"], row["observed"]),
        impact_minor=row["impact_minor"],
        impact_reporting_minor=row["impact_reporting_minor"],
        opened_on=row["snapshot_date"],
        last_seen_on=row["snapshot_date"],
        resolved_on=None,
        age_days=0,
        is_new=False,
        is_overdue=False,
        assignee=rule.assignee,
        correction_id="",
        correction_state="",
        decomposition="",
        is_reopened=False,
    )


def correction_line(view: CorrectionView, exponents: Mapping[str, int]) -> CorrectionLine:
    """A correction with its change in words."""
    return CorrectionLine(
        correction_id=view.correction_id,
        code=view.code,
        cause=view.cause or "",
        mode=view.mode,
        state=view.state,
        target=f"{view.system} {view.object}",
        record_id=view.record_id,
        attribute=view.attribute,
        change=_change(view, exponents),
        reason=view.reason,
        state_reason=view.state_reason or "",
        refusals=tuple(
            f"{r['check']} ({r['field']}): {r['problem']}. Fix: {r['fix']}." for r in view.refusals
        ),
        impact_minor=view.impact_minor,
        currency=view.currency or "",
        assignee=view.assignee,
        exception_key=view.exception_key,
        severity=view.severity,
        impact_reporting_minor=view.impact_reporting_minor,
        planned_at=view.planned_at,
        sent_at=view.sent_at,
        accepted_at=view.accepted_at,
        verdict_on=view.verdict_on,
    )


def _change(view: CorrectionView, exponents: Mapping[str, int]) -> str:
    if view.before is None:
        value = amount(view.impact_minor, view.currency or "", exponents)
        number = view.after.get("tranId", view.record_id)
        return f"create {view.object} {number}" + (f" ({value})" if value else "")
    return ", ".join(
        f"{name}: {_shown(view.before.get(name))} → {_shown(value)}"
        for name, value in view.after.items()
    )


def _shown(value: Any) -> str:
    return "empty" if value in (None, "") else str(veiled(value))
