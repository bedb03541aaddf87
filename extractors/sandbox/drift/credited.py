"""Credit notes with their ERP memos as planters see and change them."""

from collections.abc import Iterator
from dataclasses import dataclass

from extractors.sandbox.drift.documents import postings_of, unlink
from extractors.sandbox.drift.ground import SETTLED_DAYS, Ground, minor_of, text_of
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY
from extractors.sandbox.world.state import Company


@dataclass(frozen=True)
class Credited:
    """An issued note with its one living memo, its invoice and that invoice's ERP copy."""

    who: Company
    note: Record
    memo: Record
    invoice: Record
    posted: Record
    links: tuple[Record, ...]
    """Applications of the memo, to invoices and refunds."""

    @property
    def id(self) -> str:
        return str(self.note["id"])

    @property
    def internal(self) -> str:
        return str(self.memo["id"])

    @property
    def subject(self) -> str:
        return f"invoice:{self.invoice['id']}"

    @property
    def lowers_its_invoice(self) -> bool:
        """Whether all of it was applied to the invoice that it takes back, before that was paid."""
        return self.note["type"] == "pre_payment" and [
            (link["previousdoc"], minor_of(link["foreignamount"], self.memo["currency"]))
            for link in self.links
        ] == [(self.posted["id"], self.note["total"])]


def credited(ground: Ground) -> Iterator[Credited]:
    """Notes that stand in both systems since days, with nothing under way."""
    memos = _by_source(ground, "CustCred", "custbody_stripe_credit_note_id")
    copies = _by_source(ground, "CustInvc", "custbody_stripe_invoice_id")
    links: dict[str, list[Record]] = {}
    for link in ground.store.rows("netsuite", "previoustransactionlinelink"):
        for end in ("nextdoc", "previousdoc"):
            links.setdefault(link[end], []).append(link)
    waiting = {memo for of in ground.facts.open_credits.values() for memo in of}
    for note in ground.store.rows("stripe", "credit_note", status="issued"):
        memo, posted = memos.get(note["id"], []), copies.get(note["invoice"], [])
        if len(memo) != 1 or len(posted) != 1 or memo[0]["id"] in waiting:
            continue
        invoice = ground.store.get("stripe", "invoice", note["invoice"])
        assert invoice is not None
        who = ground.company_by_customer[note["customer"]]
        found = Credited(
            who, note, memo[0], invoice, posted[0], tuple(links.get(memo[0]["id"], ()))
        )
        if _may_plant(ground, found):
            yield found


def _by_source(ground: Ground, kind: str, field: str) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for transaction in ground.store.rows("netsuite", "transaction", type=kind, voided="F"):
        if transaction[field]:
            found.setdefault(transaction[field], []).append(transaction)
    return found


def _may_plant(ground: Ground, found: Credited) -> bool:
    limit = ground.now - (SETTLED_DAYS + 1) * DAY
    reached = found.invoice["status_transitions"].values()
    return (
        found.invoice["status"] in {"open", "paid"}
        and ground.busy.isdisjoint({found.id, found.invoice["id"]})
        and found.note["effective_at"] < limit
        and all(at is None or at < limit for at in reached)
        and ground.is_settled(found.memo["lastmodifieddate"])
        and ground.is_settled(found.posted["lastmodifieddate"])
        and ground.is_free(found.subject)
        and ground.is_free_company(found.who)
    )


def ask_more(ground: Ground, credit: Credited, minor: int, at: int) -> None:
    """The ERP invoice asks for so much more (less, below zero), as it does since it was posted."""
    currency = credit.posted["currency"]
    unpaid = minor_of(credit.posted["foreignamountunpaid"], currency) + minor
    ground.change(
        "netsuite",
        "transaction",
        credit.posted["id"],
        at,
        status="A" if unpaid else "B",
        foreignamountunpaid=text_of(unpaid, currency),
        custbody_status_changed_at=credit.posted["createddate"],
    )


def tell_reopened(ground: Ground, credit: Credited, variant: str, caused_by: str) -> None:
    """An invoice that billing calls paid asks for something in the ERP again: INV-STAT-01."""
    if credit.invoice["status"] == "paid":
        ground.follows(
            "INV-STAT-01",
            ("stripe", credit.invoice["id"]),
            ("netsuite", credit.posted["id"]),
            attribute="status",
            variant=variant,
            caused_by=caused_by,
        )


def delete_memo(ground: Ground, credit: Credited) -> None:
    """Remove a memo with its plans and applications."""
    for link in credit.links:
        unlink(ground, link)
    for plan in ground.store.rows("netsuite", "revenueplan", sourcetransaction=credit.internal):
        ground.store.delete("netsuite", "revenueplan", plan["id"])
    ground.store.delete("netsuite", "transaction", credit.internal)


def void_memo(ground: Ground, credit: Credited, at: int) -> None:
    """The memo stays with its amounts, out of the ledger, and settles nothing."""
    for link in credit.links:
        unlink(ground, link)
    for posting in postings_of(ground, credit.internal):
        ground.add("netsuite", "transactionaccountingline", posting | {"posting": "F"}, at)
    out = {"status": "V", "voided": "T", "posting": "F", "foreignamountunpaid": "0"}
    ground.change("netsuite", "transaction", credit.internal, at, **out)
