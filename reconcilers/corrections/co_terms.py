"""Corrections of add-ons that were sold to end with their contract. Pure.

The line gets the contract's end, which is what the paper says of it: the former one stands in the
outbox as the before-image, and compensating is writing it back.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import WHILE, Condition, stands
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.field_copies import field_correction
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.signed_ends import IN_FORCE, local_day, phases_of
from reconcilers.corrections.wire_fields import PLACES

_END = PLACES["salesforce", "contract_line", "co_termed_end_date"]
_TERM_FIRST = "put the term right first (CON-TERM-01)"


def move_end(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """CON-COT-01, ends before or after: the line ends with its contract."""
    line = facts.co_terms.get(subject.row_key)
    planned = field_correction(
        subject,
        rule,
        _END,
        ("salesforce", subject.owner_id or ""),
        held=line and {"value": line["end_date"], "version": line["version"]},
        value=subject.expected,
        action="move_line_end",
        reason=f"the line was sold to end with its contract, on {subject.expected}",
        refusals=tuple(_against_end(line)) if line else (),
        standing={"Co_Termed__c": True},
    )
    if line is None or planned.refusals:
        return planned
    return replace(planned, after={**planned.after, WHILE: [*_agreed(line)]})


def _agreed(line: Row) -> Iterator[Condition]:
    """The contract ends on that day still, and billing says of its end what the night saw."""
    end = line["contract_end_date"].isoformat()
    yield stands("salesforce", "Contract", {"id": line["contract_id"]}, EndDate=end)
    said = {"schedule": line["schedule_id"], "cancel_at": line["cancel_at"], "ended_at": None}
    yield stands("stripe", "subscription", {"id": line["subscription_id"]}, **said)
    if line["schedule_id"]:
        plan = {"id": line["schedule_id"]}
        yield stands("stripe", "subscription_schedule", plan, phases=phases_of(line), **IN_FORCE)


def _against_end(line: Row) -> Iterator[Refusal]:
    end, contract_end = date.fromisoformat(line["end_date"]), line["contract_end_date"]
    billed_until = _billed_until(line)
    if min(end, contract_end) < line["as_of_date"]:
        problem = "one of the two ends is past, and the line counts as served on one side of it"
        yield _refusal("ends ahead", problem, "move the end in the CRM, and bill or credit between")
    if contract_end < line["start_date"]:
        yield _refusal("served", "its contract ends before it begins", "look at the paper")
    if billed_until not in {None, contract_end}:
        problem = f"billing ends on {billed_until}, and the contract on {contract_end}"
        yield _refusal("billing agrees", problem, _TERM_FIRST)
    elif line["schedule_id"] and not _bills_to_the_end(line):
        problem = f"the last phase of schedule {line['schedule_id']} does not bill the line"
        yield _refusal("billing agrees", problem, "change the phases of the schedule in billing")
    if line["lines_beside"]:
        problem = f"{line['lines_beside']} more lines sell the product by then"
        yield _refusal("one line", problem, "say in the CRM which line ends when")
    if line["changed_side"]:
        # a newer save would hide which side was changed without the other
        problem = "price or units of the product are not the same in both systems"
        yield _refusal("same price and units", problem, "put these right first (CON-AMD-01, -02)")


def _billed_until(line: Row) -> date | None:
    """The last day that billing plans, or the day before its notice; None where it says none."""
    if line["planned_end_date"] is not None or line["cancel_at"] is None:
        planned: date | None = line["planned_end_date"]
        return planned
    return local_day(line["cancel_at"], line["time_zone"]) - timedelta(days=1)


def _bills_to_the_end(line: Row) -> bool:
    items: list[dict[str, Any]] = json.loads(line["phases"])[-1]["items"]
    named = {(one.get("metadata") or {}).get("crm_contract_line_id") for one in items}
    return line["line_id"] in named


def _refusal(check: str, problem: str, fix: str) -> Refusal:
    return Refusal(check, f"{_END.object}.{_END.name}", problem, fix)
