"""PYT: payouts that the ERP did not deposit as they were, or that are not what they consist of."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from extractors.sandbox.drift.documents import (
    copy_document,
    lines_of,
    postings_of,
    remove_line,
    set_line,
)
from extractors.sandbox.drift.ground import Ground, Truth, minor_of, text_of
from extractors.sandbox.reference import CARD_FEES, CLEARING, period_id
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY

_SETTLED_DAYS = 8
_LOST_KEY = {"custbody_stripe_payout_id": None, "externalid": None}


@dataclass(frozen=True)
class Deposited:
    """A payout that came days ago, with its one deposit."""

    payout: Record
    deposit: Record

    @property
    def id(self) -> str:
        return str(self.payout["id"])

    @property
    def internal(self) -> str:
        return str(self.deposit["id"])


def plant_other_deposit(ground: Ground, count: int) -> None:
    """PYT-DEP-01: a deposit that is missing, wrong in one thing, nameless, or there twice."""
    for variant, case in _chosen(ground, count, tuple(_DEPOSITS)):
        _DEPOSITS[variant](ground, case, ground.tick(), variant)


def plant_other_members(ground: Ground, count: int) -> None:
    """PYT-COMP-01: a balance transaction is in no payout, or in another one."""
    others = _deposited(ground)
    for variant, case in _chosen(ground, count, ("member_missing", "member_of_another")):
        _move_member(ground, case, variant, others)


def _chosen(ground: Ground, count: int, variants: tuple[str, ...]) -> list[tuple[str, Deposited]]:
    pools = dict.fromkeys(variants, _deposited(ground))
    chosen = ground.choose(count, pools, lambda case: case.id)
    for _, case in chosen:
        ground.claim(None, f"payout:{case.id}")
    return chosen


def _deposited(ground: Ground) -> list[Deposited]:
    deposits = {
        deposit["custbody_stripe_payout_id"]: deposit
        for deposit in ground.store.rows("netsuite", "transaction", type="Deposit")
    }
    until = ground.now - _SETTLED_DAYS * DAY
    cases = [
        Deposited(payout, deposits[payout["id"]])
        for payout in ground.store.rows("stripe", "payout", status="paid")
        if payout["id"] in deposits and payout["arrival_date"] < until
    ]
    return [case for case in cases if ground.is_free(f"payout:{case.id}")]


# ways to deposit a payout wrongly


def _delete(ground: Ground, case: Deposited, _at: int, variant: str) -> None:
    ground.store.delete("netsuite", "transaction", case.internal)
    ground.planted(("stripe", case.id), variant=variant)


def _book_gross(ground: Ground, case: Deposited, at: int, variant: str) -> None:
    """The fees that were kept back are not booked at all."""
    fees = 0
    for line, account in _parts(ground, case):
        if account == CARD_FEES.id:
            fees += minor_of(line["foreignamount"], case.deposit["currency"])
            remove_line(ground, case.internal, line)
    _bank(ground, case, case.payout["amount"] + fees, at)
    _told(ground, case, variant)


def _drop_member(ground: Ground, case: Deposited, at: int, variant: str) -> None:
    line = _first(ground, case, CLEARING.id)
    gross = -minor_of(line["foreignamount"], case.deposit["currency"])
    remove_line(ground, case.internal, line)
    _bank(ground, case, case.payout["amount"] - gross, at)
    _told(ground, case, variant)


def _raise_fees(ground: Ground, case: Deposited, at: int, variant: str) -> None:
    """More fees than were kept back, made up for by what a member brought in."""
    more = ground.rng.randrange(15, 900)
    currency = case.deposit["currency"]
    for account in (CARD_FEES.id, CLEARING.id):
        line = _first(ground, case, account)
        minor = minor_of(line["foreignamount"], currency)
        changed = minor + more if account == CARD_FEES.id else minor - more
        set_line(ground, case.deposit, line, -changed, at)
    _told(ground, case, variant)


def _date_later(ground: Ground, case: Deposited, at: int, variant: str) -> None:
    on = date.fromisoformat(case.deposit["trandate"]) + timedelta(days=3)
    dated = {"trandate": on.isoformat(), "postingperiod": period_id(on)}
    ground.change("netsuite", "transaction", case.internal, at, **dated)
    _told(ground, case, variant)


def _lose_key(ground: Ground, case: Deposited, at: int, variant: str) -> None:
    """The deposit names its payout no more; its lines still name what it consists of."""
    ground.change("netsuite", "transaction", case.internal, at, **_LOST_KEY)
    _told(ground, case, variant)


def _enter_again(ground: Ground, case: Deposited, at: int, variant: str) -> None:
    ground.planted(("netsuite", copy_document(ground, case.deposit, at)), variant=variant)


_DEPOSITS: dict[str, Callable[[Ground, Deposited, int, str], None]] = {
    "not_deposited": _delete,
    "booked_gross": _book_gross,
    "member_missing": _drop_member,
    "fees_too_high": _raise_fees,
    "dated_later": _date_later,
    "key_lost": _lose_key,
    "entered_twice": _enter_again,
}


def _told(ground: Ground, case: Deposited, variant: str) -> None:
    ground.planted(("stripe", case.id), ("netsuite", case.internal), variant=variant)


def _parts(ground: Ground, case: Deposited) -> list[tuple[Record, str]]:
    """Lines but the bank's, with the account of each."""
    lines, postings = lines_of(ground, case.internal), postings_of(ground, case.internal)
    accounts = {posting["transactionline"]: posting["account"] for posting in postings}
    return [(line, accounts[line["id"]]) for line in lines if line["mainline"] == "F"]


def _first(ground: Ground, case: Deposited, account: str) -> Record:
    return next(line for line, found in _parts(ground, case) if found == account)


def _bank(ground: Ground, case: Deposited, minor: int, at: int) -> None:
    """What the deposit puts into the bank."""
    main = lines_of(ground, case.internal)[0]
    set_line(ground, case.deposit, main, -minor, at)
    text = text_of(minor, case.deposit["currency"])
    ground.change("netsuite", "transaction", case.internal, at, foreigntotal=text)


# ways to compose one wrongly


def _move_member(ground: Ground, case: Deposited, variant: str, others: list[Deposited]) -> None:
    members = ground.store.rows("stripe", "balance_transaction", payout=case.id)
    member = next(entry for entry in members if entry["type"] != "payout")
    other = _another(ground, case, others) if variant == "member_of_another" else None
    ground.store.put("stripe", "balance_transaction", {"id": member["id"], "payout": other})
    ground.planted(("stripe", case.id), attribute="members", variant=variant)
    if other is not None:
        ground.tell(
            Truth(
                "PYT-COMP-01",
                "members",
                "stripe",
                other,
                None,
                None,
                variant,
                planted=False,
                caused_by=case.id,
            )
        )


def _another(ground: Ground, case: Deposited, others: list[Deposited]) -> str:
    """A payout in the same currency that nobody has."""
    other = next(
        found.id
        for found in others
        if found.payout["currency"] == case.payout["currency"]
        and ground.is_free(f"payout:{found.id}")
    )
    ground.claim(None, f"payout:{other}")
    return other
