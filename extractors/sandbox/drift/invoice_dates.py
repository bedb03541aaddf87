"""INV-DATE: ERP invoices with another number, date or due date than billing's."""

from collections.abc import Sequence
from datetime import date, timedelta

from extractors.sandbox.drift.documents import Posted, other_month, posted_invoices
from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.reference import month_end, period_id
from extractors.sandbox.schema import System
from extractors.sandbox.world.moments import moment

_LATE = timedelta(days=2)
_OTHER_TERMS = timedelta(days=15)


def plant_other_dates(ground: Ground, count: int) -> None:
    """INV-DATE-01: renumbered, due later, dated by UTC, dated late, posted to another month.

    A due date that went along with the invoice date is a second row of the same invoice.
    """
    posted = posted_invoices(ground)
    mailed = [p for p in posted if p.invoice["due_date"]]
    pools = {
        "dated_by_utc": [p for p in posted if _utc_date(p) != _date(p)],
        "renumbered": posted,
        "due_later": mailed,
        "dated_late": [p for p in posted if _is_within_month(p)],
        "dated_late_and_due_later": [p for p in mailed if _is_within_month(p)],
        "other_month": [p for p in posted if other_month(ground, p.transaction) is not None],
    }
    for variant, chosen in ground.choose(count, pools, lambda p: p.id):
        attributes = _change(ground, chosen, variant)
        ground.freeze(chosen.who, chosen.subject)
        _tell(ground, chosen, attributes, variant)


def _date(posted: Posted) -> date:
    return date.fromisoformat(posted.transaction["trandate"])


def _utc_date(posted: Posted) -> date:
    return moment(posted.invoice["status_transitions"]["finalized_at"]).date()


def _is_within_month(posted: Posted) -> bool:
    return _date(posted) + _LATE <= month_end(_date(posted))


def _change(ground: Ground, posted: Posted, variant: str) -> Sequence[str]:
    """Give the ERP invoice other values; returns which attributes differ now, the cause first."""
    at = ground.tick()
    day = {
        "dated_by_utc": _utc_date(posted),
        "dated_late": _date(posted) + _LATE,
        "dated_late_and_due_later": _date(posted) + _LATE,
        "other_month": other_month(ground, posted.transaction),
    }.get(variant)
    fields: dict[str, str] = {}
    if day is not None:
        fields |= {"trandate": day.isoformat(), "postingperiod": period_id(day)}
    if variant == "renumbered":
        fields["tranid"] = f"AR-{posted.internal}"
    later = {"due_later": _OTHER_TERMS, "dated_late_and_due_later": _LATE}.get(variant)
    if later is not None:
        due = date.fromisoformat(posted.transaction["duedate"]) + later
        fields["duedate"] = due.isoformat()
    ground.change("netsuite", "transaction", posted.internal, at, **fields)
    names = {"tranid": "number", "trandate": "invoice_date", "duedate": "due_date"}
    return [name for field, name in names.items() if field in fields]


def _tell(ground: Ground, posted: Posted, attributes: Sequence[str], variant: str) -> None:
    owner: tuple[System, str] = ("stripe", posted.id)
    replica: tuple[System, str] = ("netsuite", posted.internal)
    ground.planted(owner, replica, attribute=attributes[0], variant=variant)
    for follower in attributes[1:]:
        ground.follows(
            ground.code, owner, replica, attribute=follower, variant=variant, caused_by=posted.id
        )
