"""CON-AMD-01, unsigned: an edit of a contract line that nobody signed is taken back. Pure.

Only the newest save, and only where the line said before it what billing charges. The edited values
stand in the outbox as the before-image: compensating is making the edit again.
"""

from collections.abc import Iterator
from typing import Any

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import not_in_snapshot
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.wire_fields import PLACES

_PLACE = PLACES["salesforce", "contract_line", "unsigned_edit"]
_FIELDS = {
    "quantity": "Quantity__c",
    "unit_price": "Unit_Price__c",
    "discount_percent": "Discount_Percent__c",
}
_ROUNDING_MINOR = 1  # of a line whose price is for a year


def revert_edit(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """The line as it was before the save, in the fields that the save changed."""
    edit = facts.unsigned_edits.get(subject.row_key)
    noes = tuple(_refusals(subject, edit))
    changed = [name for name in _FIELDS if edit and edit[f"{name}_before"] is not None]
    before, after = (_image(edit, changed, when) for when in ("now", "before"))
    if edit:
        before["Effective_At__c"] = edit["effective_at"]  # who signs the edit meanwhile keeps it
    return Correction(
        subject=subject,
        action="revert_unsigned_edit",
        mode=rule.mode.value,
        assignee=rule.assignee,
        system="salesforce",
        object=_PLACE.object,
        record_id=edit["line_id"] if edit else subject.replica_id or "",
        operation="update",
        attribute=",".join(after),
        before=before if edit else None,
        after=after,
        payload={} if noes else after,
        expected_version=edit["version"] if edit else "",
        watermark_object=_PLACE.watermark_object,
        reason="the line was edited and nobody signed; billing charges what it said before",
        refusals=noes,
    )


def _image(edit: Row | None, changed: list[str], when: str) -> dict[str, Any]:
    return {_FIELDS[name]: _PLACE.said(edit[f"{name}_{when}"]) for name in changed if edit}


def _refusals(subject: Subject, edit: Row | None) -> Iterator[Refusal]:
    line, by_hand = "Contract_Line__c", "put the line right by hand, or have it signed"
    if edit is None:
        yield not_in_snapshot(line, f"the line of {subject.row_key!r}")
    elif edit["lines"] != 1:
        problem = f"{edit['lines']} lines of the contract sell the product"
        yield Refusal("one line", line, problem, by_hand)
    elif edit["is_signed"] is not False:
        problem = "its newest save is signed, or is not in the history"
        yield Refusal("newest save", f"{line}.Effective_At__c", problem, by_hand)
    elif edit["changes_term"]:
        problem = "the save moved its dates, too"
        yield Refusal("price and units alone", f"{line}.End_Date__c", problem, by_hand)
    elif abs((edit["mrr_before_minor"] or 0) - int(subject.expected or 0)) > _ROUNDING_MINOR:
        problem = "before the save it did not say what billing charges"
        yield Refusal("agreed before", f"{line}.Unit_Price__c", problem, by_hand)
