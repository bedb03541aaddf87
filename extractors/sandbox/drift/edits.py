"""JE-EDIT and JE-CLS: documents of the integration changed by hand, closed periods that moved."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from extractors.sandbox.drift.accounts import line_to_move, move_line
from extractors.sandbox.drift.documents import (
    Posted,
    lines_of,
    other_month,
    posted_invoices,
    postings_of,
    set_line,
)
from extractors.sandbox.drift.ground import Ground, minor_of
from extractors.sandbox.drift.invoices import LEAST_TOTAL, is_paid_once, shorten
from extractors.sandbox.ledger import JournalLine, journal_rows
from extractors.sandbox.reference import (
    ACCRUED,
    HOSTING_COST,
    LEGAL_ENTITIES,
    SUBSCRIPTION_REVENUE,
    month_end,
    period_id,
)
from extractors.sandbox.schema import to_text
from extractors.sandbox.tables import Record
from extractors.sandbox.trail import (
    BOOKKEEPER,
    LINE_ACCOUNT,
    LINE_AMOUNT,
    PERIOD,
    TOTAL,
    Change,
    note_row,
)
from extractors.sandbox.world.moments import DAY, moment

_LATE_DAYS = 9


@dataclass(frozen=True)
class Journal:
    """A journal whose second and third line can give each other an amount."""

    record: Record
    closed_at: str | None

    @property
    def id(self) -> str:
        return str(self.record["id"])


def plant_by_hand(ground: Ground, count: int) -> None:
    """JE-EDIT-01: a bookkeeper moved revenue within a run, or changed an invoice.

    What the change does to an account, a month, a total or a closed period follows from it.
    """
    posted = posted_invoices(ground)
    paid = [p for p in posted if is_paid_once(ground, p)]
    recent = {each.id for each in posted}
    older = [p for p in posted_invoices(ground, in_closed_too=True) if p.id not in recent]
    runs = list(_journals(ground, "JE-REV-"))
    invoices: dict[str, list[Posted]] = {
        "account_changed": [p for p in older if line_to_move(ground, p, "income_at_once")],
        "period_changed": [p for p in paid if other_month(ground, p.transaction)],
        "total_changed": [p for p in paid if p.invoice["total"] >= LEAST_TOTAL],
    }
    pools: dict[str, list[Journal | Posted]] = {
        "run_changed": [*runs],
        "run_changed_after_close": [run for run in runs if run.closed_at],
        **{variant: [*pool] for variant, pool in invoices.items()},
    }
    for variant, chosen in ground.choose(count, pools, lambda each: str(each.id)):
        if isinstance(chosen, Posted):
            ground.freeze(chosen.who, chosen.subject)
            ground.planted(("netsuite", chosen.internal), attribute="edited", variant=variant)
            _INVOICES[variant](ground, chosen)
        else:
            _shift(ground, chosen, is_late=variant == "run_changed_after_close")
            ground.planted(("netsuite", chosen.id), attribute="edited", variant=variant)
            if variant == "run_changed_after_close":
                _tell(ground, "JE-CLS-01", chosen.id, "closed", chosen.id)


def plant_after_close(ground: Ground, count: int) -> None:
    """JE-CLS-01: a journal of a closed period was changed, or entered, after the close."""
    costs = [each for each in _journals(ground, "JE-COST-") if each.closed_at]
    pools = {"edited_late": costs, "entered_late": costs}
    for variant, chosen in ground.choose(count, pools, lambda each: each.id):
        journal = chosen.id
        if variant == "edited_late":
            _shift(ground, chosen, is_late=True)
        else:
            journal = _enter(ground, chosen)
            ground.freeze(None, f"transaction:{chosen.id}", f"transaction:{journal}")
        ground.planted(("netsuite", journal), attribute="closed", variant=variant)


def _journals(ground: Ground, number: str) -> Iterator[Journal]:
    closed = {
        period["id"]: period["closedondate"] if period["closed"] == "T" else None
        for period in ground.store.rows("netsuite", "accountingperiod")
    }
    long_ago = to_text(moment(ground.now - _LATE_DAYS * DAY), "netsuite")
    for journal in ground.store.rows("netsuite", "transaction", type="Journal"):
        is_wanted = journal["tranid"].startswith(number) and not journal["tranid"].endswith("-1")
        if (
            is_wanted
            and ground.is_free(f"transaction:{journal['id']}")
            and ground.is_settled(journal["lastmodifieddate"])
            and len(_pair(ground, journal)) > 1
        ):
            closed_at = closed[journal["postingperiod"]]
            # what is changed after the close is changed a few days ago
            is_late_enough = closed_at is None or closed_at < long_ago
            yield Journal(journal, closed_at if is_late_enough else None)


def _pair(ground: Ground, journal: Record) -> list[Record]:
    """The first lines after the first one that post the same way, with something to give."""
    posting = {p["transactionline"] for p in postings_of(ground, journal["id"]) if _counts(p)}
    lines = [line for line in lines_of(ground, journal["id"])[1:] if line["id"] in posting]
    sign = lines[0]["foreignamount"].startswith("-") if lines else False
    same = [line for line in lines if line["foreignamount"].startswith("-") == sign]
    return [line for line in same if len(line["foreignamount"].strip("0.-")) > 1][:2]


def _counts(posting: Record) -> bool:
    return bool(posting["accountingbook"] == "1" and posting["posting"] == "T")


def _shift(ground: Ground, chosen: Journal, *, is_late: bool) -> None:
    """Move a part of one line to the next; the journal still balances."""
    journal = chosen.record
    at = ground.days_ago(4, _LATE_DAYS) if is_late else _soon_after(journal)
    giving, taking = _pair(ground, journal)
    minor = max(abs(minor_of(giving["foreignamount"], journal["currency"])) // 4, 1)
    minor = minor if giving["foreignamount"].startswith("-") else -minor
    ground.freeze(None, f"transaction:{chosen.id}")
    tick = ground.tick()
    for line, more in ((giving, -minor), (taking, minor)):
        credit = -minor_of(line["foreignamount"], journal["currency"]) + more
        set_line(ground, journal, line, credit, tick)
        after = ground.store.get("netsuite", "transactionline", (chosen.id, line["id"]))
        assert after is not None
        change = Change(LINE_AMOUNT, line["foreignamount"], after["foreignamount"], line["id"])
        _note(ground, chosen.id, change, at)
    ground.change("netsuite", "transaction", chosen.id, tick)


def _soon_after(document: Record) -> int:
    """A day after it was posted, before any close."""
    posted = datetime.fromisoformat(f"{document['createddate']}+00:00")
    return int(posted.timestamp()) + DAY


def _change_account(ground: Ground, posted: Posted) -> None:
    line = line_to_move(ground, posted, "income_at_once")
    assert line is not None
    key = (posted.internal, line["id"], "1")
    posting = ground.store.get("netsuite", "transactionaccountingline", key)
    assert posting is not None
    move_line(ground, posted, line, SUBSCRIPTION_REVENUE.id)
    change = Change(LINE_ACCOUNT, posting["account"], SUBSCRIPTION_REVENUE.id, line["id"])
    _note(ground, posted.internal, change, _soon_after(posted.transaction))
    row = f"{posted.internal}-{line['id']}"
    _tell(ground, "JE-ACC-01", row, "account", posted.internal)


def _change_period(ground: Ground, posted: Posted) -> None:
    day = other_month(ground, posted.transaction)
    assert day is not None
    change = Change(PERIOD, posted.transaction["postingperiod"], period_id(day))
    ground.change(
        "netsuite", "transaction", posted.internal, ground.tick(), postingperiod=change.new
    )
    _note(ground, posted.internal, change, ground.days_ago(1, 3))
    _tell(ground, "JE-PER-01", posted.internal, "period", posted.internal)


def _change_total(ground: Ground, posted: Posted) -> None:
    shorten(ground, posted, ground.tick())
    after = ground.store.get("netsuite", "transaction", posted.internal)
    assert after is not None
    change = Change(TOTAL, posted.transaction["foreigntotal"], after["foreigntotal"])
    _note(ground, posted.internal, change, ground.days_ago(1, 3))
    ground.follows(
        "INV-AMT-01",
        ("stripe", posted.id),
        ("netsuite", posted.internal),
        attribute="total",
        variant="changed_by_hand",
        caused_by=posted.internal,
    )


_INVOICES: dict[str, Callable[[Ground, Posted], None]] = {
    "account_changed": _change_account,
    "period_changed": _change_period,
    "total_changed": _change_total,
}


def _tell(ground: Ground, code: str, record: str, attribute: str, cause: str) -> None:
    ground.follows(
        code,
        ("netsuite", record),
        attribute=attribute,
        variant="changed_by_hand",
        caused_by=cause,
    )


def _note(ground: Ground, internal: str, change: Change, at: int) -> None:
    key = ground.store.new_id("netsuite", "systemnote")
    row = note_row(key, internal, change, BOOKKEEPER, moment(at))
    ground.store.put("netsuite", "systemnote", row, stamp=False)


def _enter(ground: Ground, like: Journal) -> str:
    """A bill that came late, in the month that it is of."""
    month = date.fromisoformat(like.record["trandate"])
    entity = LEGAL_ENTITIES[like.record["tranid"].split("-")[2]]
    amount = ground.rng.randrange(12_001, 90_000)
    internal = ground.store.new_id("netsuite", "transaction")
    rows = journal_rows(
        internal_id=internal,
        tranid=f"JE-LATE-{internal}",
        subsidiary=entity.subsidiary_id,
        trandate=month_end(month),
        period_id=period_id(month),
        lines=[JournalLine(HOSTING_COST.id, amount), JournalLine(ACCRUED.id, -amount)],
        memo="Bill that came late",
        at=moment(ground.days_ago(4, 9)),
    )
    ground.add_rows(rows, ground.tick())
    return internal
