"""Corrections that let a subscription end with its period, where the customer has left. Pure.

Never at once: an ended subscription does not come back. What was charged after the customer left
is for a credit note, which people decide on.
"""

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.field_copies import field_correction
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.wire_fields import PLACES

_PLACE = PLACES["stripe", "subscription", "cancel_decision"]
_ENDED = ("canceled", "incomplete_expired")
# As in cmp_contract_renewal__crm_vs_billing: who is charged for longer after the notice is charged
# on, whatever billing is told.
RENEWAL_WINDOW_DAYS = 31
# Of the subscription: it runs, and no schedule decides on its end.
STANDING = {"ended_at": None, "schedule": None}


def end_with_period(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """CON-REN-01 and SUB-STAT-01, billed after the CRM recorded the end: no period after this."""
    is_owner = subject.owner_system == "stripe"
    key = (subject.owner_id if is_owner else subject.replica_id) or ""
    held = facts.ends.get(key)
    return ending(
        subject,
        rule,
        key,
        held,
        reason=(
            "the CRM records that the customer left, and billing goes on: no period follows the "
            "one that runs; what was charged since the customer left is for a credit note"
        ),
        refusals=_refusals(subject, held) if held else (),
    )


def ending(
    subject: Subject,
    rule: Rule,
    subscription_id: str,
    held: Row | None,
    *,
    reason: str,
    refusals: tuple[Refusal, ...],
) -> Correction:
    """A subscription ends with the period that runs, where nobody gave another notice meanwhile."""
    return field_correction(
        subject,
        rule,
        _PLACE,
        ("stripe", subscription_id),
        held=held and {"value": "F", "version": held["version"]},
        value="T",
        reason=reason,
        refusals=refusals,
        standing={**STANDING, "cancel_at": None, "current_period_end": held and held["period_end"]},
    )


def _refusals(subject: Subject, held: Row) -> tuple[Refusal, ...]:
    if found := end_refusals(held):
        return found
    if subject.code == "CON-REN-01" and not _is_soon(held):
        problem = f"the period that runs lasts {held['days_left']} more days"
        fix = "end it in billing by hand, and credit what was charged after the term"
        return (_refusal(problem, fix),)
    return ()


def end_refusals(held: Row) -> tuple[Refusal, ...]:
    """Why no end is set by us: the first reason that stands against it, if any."""
    if held["status"] in _ENDED:
        problem, fix = f"it is {held['status']}", "let the next night read it again"
    elif held["channel"] == "self_serve":
        problem = "the customer signed up alone, and billing knows who leaves"
        fix = "put the CRM's copy right"
    elif held["schedule_id"]:
        problem = f"schedule {held['schedule_id']} says when it ends"
        fix = "release the schedule in billing, or let it end after the phase that runs"
    elif held["ends_with_period"] or held["cancel_at"]:
        problem = "notice was given, and it is charged until then"
        fix = "credit what is charged after the customer left"
    else:
        return ()
    return (_refusal(problem, fix),)


def _refusal(problem: str, fix: str) -> Refusal:
    return Refusal("end of the subscription", f"{_PLACE.object}.{_PLACE.name}", problem, fix)


def _is_soon(held: Row) -> bool:
    return held["days_left"] is not None and held["days_left"] <= RENEWAL_WINDOW_DAYS
