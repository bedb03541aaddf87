"""What happens at month end in the ERP: revenue is recognized, costs allocated, periods closed."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

from extractors.sandbox.amounts import netsuite_time, rounded
from extractors.sandbox.ledger import PRIMARY_BOOK, JournalLine, journal_rows
from extractors.sandbox.reference import (
    ACCRUED,
    CURRENCIES,
    DEFERRED,
    ENTITY_BY_SUBSIDIARY,
    HOSTING_COST,
    INCOME_ACCOUNT,
    LEGAL_ENTITIES,
    ROUNDING,
    STATISTICAL,
    LegalEntity,
    month_end,
    period_id,
)
from extractors.sandbox.tables import Record
from extractors.sandbox.trail import (
    AUDITOR,
    BOOKKEEPER,
    INTEGRATION,
    LINE_AMOUNT,
    MEMO,
    Change,
    note_row,
)
from extractors.sandbox.world.moments import DAY, HOUR, MINUTE, add_months, moment, opening
from extractors.sandbox.world.state import World

_SECOND_BOOK = "2"
_RUN_HOUR = 5 * HOUR
_LOCK_DAYS = 4
_OPEN_MONTHS = 2


def schedule_close(world: World, month: date) -> None:
    """`month` (its first day) is run on the first day of the next month and locked later."""
    after = opening(add_months(month, 1))
    world.schedule(after + _RUN_HOUR, "close_month", month=month.isoformat())


def close_month(world: World, at: int, month: str) -> None:
    """Journals of the month that has ended, one of each kind per subsidiary."""
    first = date.fromisoformat(month)
    earned = _recognize(world, at, first)
    for entity in LEGAL_ENTITIES.values():
        _add_revenue_journal(world, at, entity, first, earned[entity.subsidiary_id])
        _add_cost_journal(world, at, entity, first)
    world.schedule(at + _LOCK_DAYS * DAY, "lock_period", month=month)
    schedule_close(world, add_months(first, 1))


def lock_period(world: World, at: int, month: str) -> None:
    """Two months after its end a period is closed to postings."""
    old = add_months(date.fromisoformat(month), -(_OPEN_MONTHS - 1))
    identifier = period_id(old)
    if world.records.get("netsuite", "accountingperiod", identifier):
        stamp = netsuite_time(moment(at))
        world.records.change(
            "netsuite",
            "accountingperiod",
            identifier,
            at,
            closed="T",
            arlocked="T",
            closedondate=stamp,
        )
        for journal in world.records.rows("netsuite", "transaction", tranid=_number("COST", old)):
            _note(world, at + HOUR, journal["id"], Change(MEMO, None, "Audited"), AUDITOR)


def _recognize(world: World, at: int, month: date) -> dict[str, dict[str, Decimal]]:
    """Mark what is earned by the end of the month; base currency by subsidiary and item.

    The journals' ids are given out in the order of the entities, right after this.
    """
    records = world.records
    earned: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    due = [
        line
        for line in records.rows("netsuite", "revenueplanline", isrecognized="F")
        if line["periodname"] <= f"{month:%Y-%m}"
    ]
    touched: dict[str, None] = {}
    journals = {e.subsidiary_id: _journal_id(world, e) for e in LEGAL_ENTITIES.values()}
    for line in due:
        if world.is_frozen("revenueplanline", line["id"]):
            continue
        plan = records.need("netsuite", "revenueplan", str(line["revenueplan"]))
        source = records.get("netsuite", "transaction", str(plan["sourcetransaction"]))
        if source is None or source["voided"] == "T":
            continue
        subsidiary = _subsidiary(world, source)
        earned[subsidiary][plan["item"]] += _in_base(line["amount"], source, subsidiary)
        touched[plan["id"]] = None
        journal = journals[subsidiary]
        records.change(
            "netsuite", "revenueplanline", line["id"], at, isrecognized="T", journal=journal
        )
    for plan_id in touched:
        records.change("netsuite", "revenueplan", plan_id, at)
    return earned


def _journal_id(world: World, entity: LegalEntity) -> str:
    internal = world.records.new_id("netsuite", "transaction")
    world.facts.journals[entity.code] = internal
    return internal


def _subsidiary(world: World, transaction: Record) -> str:
    line = world.records.need("netsuite", "transactionline", (str(transaction["id"]), "0"))
    return str(line["subsidiary"])


def _in_base(amount: str, source: Record, subsidiary: str) -> Decimal:
    """Minor units of the base currency, not rounded."""
    base = CURRENCIES[ENTITY_BY_SUBSIDIARY[subsidiary].currency]
    return (Decimal(amount) * Decimal(source["exchangerate"])).scaleb(base.precision)


def _income(world: World, item: str) -> str:
    """An item that somebody added later says itself where its revenue goes."""
    known = INCOME_ACCOUNT.get(item)
    return known or str(world.records.need("netsuite", "item", item)["incomeaccount"])


def _add_revenue_journal(
    world: World, at: int, entity: LegalEntity, month: date, earned: dict[str, Decimal]
) -> None:
    """Deferred revenue to income by item; both books, a headcount that does not post."""
    if not earned:
        return
    total = rounded(sum(earned.values(), Decimal(0)))
    books = (PRIMARY_BOOK, _SECOND_BOOK) if entity.code == "US" else (PRIMARY_BOOK,)
    lines = [JournalLine(DEFERRED.id, total, "Revenue recognized", books=books)]
    left = total
    for item, amount in sorted(earned.items()):
        lines.append(JournalLine(_income(world, item), -rounded(amount), books=books))
        left -= rounded(amount)
    if left:
        lines.append(JournalLine(ROUNDING.id, -left, "Rounding", books=books))
    lines.append(JournalLine(STATISTICAL.id, 4200, "Headcount", posting=False))
    if entity.code == "US":
        lines.append(JournalLine(DEFERRED.id, -75_000, "Statutory only", books=(_SECOND_BOOK,)))
    _post(
        world,
        at,
        entity,
        month,
        kind="REV",
        internal=world.facts.journals[entity.code],
        lines=lines,
    )


def _add_cost_journal(world: World, at: int, entity: LegalEntity, month: date) -> None:
    """A bill that three departments share, with the unit that thirds leave over."""
    amount = 3 * world.rng("cost", entity.code, month).randrange(400_000, 900_000) + 1
    third = amount // 3
    lines = [JournalLine(HOSTING_COST.id, third, name) for name in ("R&D", "Support", "Sales")]
    lines.append(JournalLine(ROUNDING.id, amount - 3 * third, "Rounding"))
    lines.append(JournalLine(ACCRUED.id, -amount, "Hosting"))
    internal = world.records.new_id("netsuite", "transaction")
    _post(world, at, entity, month, kind="COST", internal=internal, lines=lines)


def _post(
    world: World,
    at: int,
    entity: LegalEntity,
    month: date,
    *,
    kind: str,
    internal: str,
    lines: list[JournalLine],
) -> None:
    rows = journal_rows(
        internal_id=internal,
        tranid=_number(kind, month, entity.code),
        subsidiary=entity.subsidiary_id,
        trandate=month_end(month),
        period_id=period_id(month),
        lines=lines,
        memo={"REV": "Revenue recognition", "COST": "Hosting cost"}[kind],
        at=moment(at),
    )
    world.records.add_rows(rows, at)
    _edit(world, at, kind, internal, rows["transactionline"][0])


def _number(kind: str, month: date, entity: str = "US") -> str:
    return f"JE-{kind}-{entity}-{month:%Y-%m}"


def _edit(world: World, at: int, kind: str, internal: str, line: Record) -> None:
    """Before the close: the run corrects itself, people word a memo, and put right what is theirs.

    What somebody changed in a run was changed back.
    """
    amount, line_id = str(line["foreignamount"]), str(line["id"])
    if kind == "COST":
        changes = [(BOOKKEEPER, "0", amount)]
    else:
        changes = [(INTEGRATION, "0", "1"), (BOOKKEEPER, "1", amount), (BOOKKEEPER, amount, "1")]
        _note(world, at + HOUR, internal, Change(MEMO, None, "Month end"), BOOKKEEPER)
    for minute, (user, old, new) in enumerate(changes, 1):
        change = Change(LINE_AMOUNT, old, new, line_id)
        _note(world, at + minute * MINUTE, internal, change, user)


def _note(world: World, at: int, internal: str, change: Change, user: str) -> None:
    key = world.records.new_id("netsuite", "systemnote")
    row = note_row(key, internal, change, user, moment(at))
    world.records.add("netsuite", "systemnote", row, at)
