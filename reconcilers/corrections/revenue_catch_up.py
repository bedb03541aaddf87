"""The journal by which the books catch up with the policy of a revenue plan: deferred to revenue.

Pure. What is recognised already is put right by a journal, in the first open period from the last
month that is off; what is still to be recognised is left to the plan. A line of it says in its memo
of which plan and month it is, and the models count it there (revenue_plan_line__erp).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import Condition, nothing, stands
from reconcilers.corrections.erp_journal import JournalDraft, JournalLine, in_books
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.journal_drafts import (
    REVERSAL,
    head_of,
    journal_correction,
    unknown_source,
)
from reconcilers.corrections.policy import Rule

CATCH_UP = "catchup_"  # of our external ids; the models read it
_PARTS = {"REV-AMT-01": "total", "REV-STOP-01": "end", "REV-SCH-01": "all"}  # what is off
_ROUNDING = 1  # minor units by which a run may be off: its plans are converted together


def catch_up(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """REV-AMT-01, REV-STOP-01: recognise what the months lack, or take back what they have."""
    plan_id = subject.replica_id or subject.owner_id or ""
    off = [each for each in facts.revenue_months.get(plan_id, ()) if _gap(each)]
    gaps = (*_not_run(off), *_run_otherwise(off), *_void_in_erp(subject, off))
    return _journal(subject, rule, facts, plan_id, off=off, gaps=gaps)


def take_back_second(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """REV-SCH-01, planned twice: take back all that the second plan earned, once it has run."""
    plans = {
        plan_id: months
        for plan_id, months in facts.revenue_months.items()
        if subject.row_key == f"schedule:{months[0]['schedule_key']}"
    }
    standing = plans.pop(subject.replica_id or "", ())
    if len(plans) != 1 or not standing:
        return _journal(subject, rule, facts, f"of {subject.owner_id}")
    ((plan_id, months),) = plans.items()
    off = [{**each, "policy_minor": 0} for each in months if each["erp_minor"]]
    gaps = (
        *_not_run(months),
        *_run_otherwise(off),
        *_stands_wrong(standing),
        *_void_in_erp(subject, off),
    )
    stays = _unchanged(facts.revenue_lines.get(subject.replica_id or "", ()))
    return _journal(subject, rule, facts, plan_id, off=off, gaps=gaps, stays=stays)


def _journal(
    subject: Subject,
    rule: Rule,
    facts: Facts,
    plan_id: str,
    *,
    off: Sequence[Row] = (),
    gaps: tuple[Refusal, ...] = (),
    stays: Sequence[Condition] = (),
) -> Correction:
    external_id = f"{CATCH_UP}{plan_id}_{_PARTS[subject.code]}"
    if not off or not off[0]["exchange_rate"]:
        return unknown_source(subject, rule, external_id, f"what plan {plan_id} is off by")
    # no month is earned before it began
    last = date.fromisoformat(f"{off[-1]['period']}-01")
    # a plan that is not held may be run on next month: that is another journal
    draft = head_of(f"{external_id}_{off[-1]['period']}", off[0], last, facts)
    lines = tuple(line for each in off for line in _sides(each, draft, facts))
    return journal_correction(
        subject,
        rule,
        replace(draft, lines=lines, gaps=gaps),
        [*_conditions(plan_id, off, facts), *stays],
        f"plan {plan_id} lacks {sum(map(_gap, off))} minor units of {off[0]['currency']} "
        f"in {_names(off)}: the books catch up",
    )


def _gap(month: Row) -> int:
    return (month["policy_minor"] or 0) - month["erp_minor"]


def _sides(month: Row, draft: JournalDraft, facts: Facts) -> tuple[JournalLine, ...]:
    """Deferred revenue to income, of one month; the other way round where that has too much."""
    gap = _gap(month)
    sides = ((month["deferred_account_id"], gap), (month["income_account_id"], -gap))
    return tuple(
        JournalLine(
            label=f"{account} of the item",
            account=facts.ledger.get(account or ""),
            amount_minor=signed,
            base_minor=in_books(signed, draft),
            memo=f"{month['plan_id']}|{month['period']}",
            department_id=month["department_id"],
            class_id=month["class_id"],
        )
        for account, signed in sides
    )


def _not_run(off: Sequence[Row]) -> list[Refusal]:
    """A month to come would be off again, whatever the books catch up now."""
    to_come = [each for each in off if not each["is_recognised"]]
    if not to_come:
        return []
    problem = f"{_names(to_come)} is still to be recognised, by a plan that is off"
    fix = "change the remaining months of the plan in the ERP; then what is left is caught up"
    return [Refusal("plan", "plannedRevenue", problem, fix)]


def _run_otherwise(off: Sequence[Row]) -> list[Refusal]:
    """A plan that was changed after its run says nothing of what the books hold."""
    refusals = []
    for each in off:
        if each["run_gap_minor"] > _ROUNDING:
            problem = (
                f"the run of {each['period']} moved deferred revenue by {each['run_gap_minor']} "
                "minor units otherwise than its plans say"
            )
        elif each["run_entity"] not in {None, each["legal_entity"]}:
            problem = f"{each['period']} was recognised in the books of {each['run_entity']}"
        else:
            continue
        fix = "find out what the books hold of this plan, and book the difference by hand"
        if each["run_gap_minor"] == abs(_gap(each)):
            fix = "the books may hold what is right: then put the plan right in the ERP"
        refusals.append(Refusal("run", "journal", problem, fix))
    return refusals


def _stands_wrong(standing: Sequence[Row]) -> list[Refusal]:
    """Which of two plans is the second is certain only where the first one is right."""
    wrong = [each for each in standing if _gap(each)]
    if not wrong:
        return []
    problem = f"the other plan of the line is off itself in {_names(wrong)}"
    return [Refusal("plan", "plannedRevenue", problem, "hold one of the two plans in the ERP")]


def _void_in_erp(subject: Subject, off: Sequence[Row]) -> list[Refusal]:
    """A void document whose service is still to be earned: it may be void by mistake."""
    if not off or off[0]["voided"] != "T" or subject.cause == "runs_after_void":
        return []
    problem = f"{off[0]['document_id']} is void in the ERP, and its service is still to be earned"
    return [Refusal("document", "voided", problem, "put the document right first (INV-STAT-01)")]


def _conditions(plan_id: str, off: Sequence[Row], facts: Facts) -> list[Condition]:
    """The document is void or not as it was; runs and plan lines of the months stand unchanged.

    A month that the plan leaves out has got no line since.
    """
    document, periods = off[0], {each["period"] for each in off}
    lines = [each for each in facts.revenue_lines.get(plan_id, ()) if each["period"] in periods]
    left_out = sorted(periods - {line["period"] for line in lines})
    months = [facts.month_of(date.fromisoformat(f"{period}-01")) for period in left_out]
    return [
        stands(
            "netsuite", "transaction", {"id": document["document_id"]}, voided=document["voided"]
        ),
        *_unchanged(lines),
        *(
            nothing(
                "netsuite",
                "revenueplanline",
                revenueplan=plan_id,
                postingperiod=month["period_id"],
            )
            for month in months
            if month
        ),
    ]


def _unchanged(lines: Sequence[Row]) -> list[Condition]:
    """That lines of a plan stand as they were, run or not, and no run of theirs was reversed."""
    return [
        *(
            stands(
                "netsuite",
                "revenueplanline",
                {"id": line["line_id"]},
                amount=line["amount"],
                isrecognized=line["is_recognised"],
                journal=line["run_id"],
            )
            for line in lines
        ),
        *(
            nothing("netsuite", "transaction", externalid=f"{REVERSAL}{run}")
            for run in sorted({line["run_id"] for line in lines if line["run_id"]})
        ),
    ]


def _names(months: Sequence[Row]) -> str:
    return ", ".join(each["period"] for each in months)
