"""JE-ENT-01: documents in the books of another of our companies than the one that sold."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from extractors.sandbox.drift.credited import credited
from extractors.sandbox.drift.documents import (
    base_precision,
    base_text,
    lines_of,
    posted_invoices,
    postings_of,
    remove_line,
    retotal,
    set_line,
    set_posting,
)
from extractors.sandbox.drift.ground import Ground, minor_of
from extractors.sandbox.drift.settlement import charged
from extractors.sandbox.ledger import Document, base_minor
from extractors.sandbox.reference import (
    CURRENCY_BY_ID,
    FX_GAIN,
    LEGAL_ENTITIES,
    LegalEntity,
    exchange_rate,
)
from extractors.sandbox.tables import Record
from extractors.sandbox.world.state import Company

OTHER_ENTITY = "legal_entity"


@dataclass(frozen=True)
class _Moving:
    """A billing record and its ERP document; with the payment that settles it, if that goes too."""

    who: Company
    id: str
    document: Record
    subject: str
    payment: Record | None = None

    @property
    def internal(self) -> str:
        return str(self.document["id"])


def plant_other_entity(ground: Ground, count: int) -> None:
    """JE-ENT-01: an invoice, with its payment or alone, or a credit memo is in other books."""
    for variant, chosen in ground.choose(count, _movable(ground), lambda each: each.subject):
        at, own = ground.tick(), chosen.who.legal_entity
        others = [entity for entity in LEGAL_ENTITIES.values() if entity is not own]
        entity = ground.rng.choice(others)
        ground.freeze(chosen.who, chosen.subject, f"transaction:{chosen.internal}")
        _rebook(ground, chosen.document, entity, at)
        retotal(ground, chosen.internal, at)
        ground.planted(
            ("stripe", chosen.id),
            ("netsuite", chosen.internal),
            attribute=OTHER_ENTITY,
            variant=variant,
        )
        if chosen.payment:
            _take_along(ground, chosen, chosen.payment, entity, at)


def _movable(ground: Ground) -> dict[str, list[_Moving]]:
    paid = [
        _Moving(posted.who, posted.id, posted.transaction, posted.subject, payment)
        for posted, payment in charged(ground)
        if ground.is_free(f"transaction:{payment['id']}")
    ]
    return {
        "open_invoice": [
            _Moving(posted.who, posted.id, posted.transaction, posted.subject)
            for posted in posted_invoices(ground)
            if posted.is_open
        ],
        "with_its_payment": paid,
        "without_its_payment": [replace(each, payment=None) for each in paid],
        "credit_memo": list(_memos(ground)),
    }


def _memos(ground: Ground) -> Iterator[_Moving]:
    """Memos of an open period."""
    for credit in credited(ground):
        period = ground.store.get("netsuite", "accountingperiod", credit.memo["postingperiod"])
        if period and period["closed"] == "F":
            yield _Moving(credit.who, credit.id, credit.memo, credit.subject)


def _take_along(
    ground: Ground, moving: _Moving, payment: Record, entity: LegalEntity, at: int
) -> None:
    """The payment was booked where its invoice is, with the exchange difference of those books."""
    charge, internal = payment["custbody_stripe_charge_id"], str(payment["id"])
    ground.freeze(moving.who, f"charge:{charge}", f"transaction:{internal}")
    _rebook(ground, payment, entity, at)
    _settle(ground, payment, entity, at)
    ground.follows(
        "JE-ENT-01",
        ("stripe", charge),
        ("netsuite", internal),
        attribute=OTHER_ENTITY,
        variant="with_its_payment",
        caused_by=moving.id,
    )


def _rebook(ground: Ground, document: Record, entity: LegalEntity, at: int) -> None:
    """All lines at the rate of the day, in other books; what rounding and rates left over goes."""
    code = CURRENCY_BY_ID[document["currency"]].code
    rate = exchange_rate(code, entity.currency, date.fromisoformat(document["trandate"]))
    internal = str(document["id"])
    ground.change("netsuite", "transaction", internal, at, exchangerate=format(rate, "f"))
    moved = document | {"exchangerate": format(rate, "f")}
    for line in lines_of(ground, internal):
        minor = minor_of(line["foreignamount"], document["currency"])
        if minor == 0 and not line.get("item"):
            remove_line(ground, internal, line)
        else:
            placed = line | {"subsidiary": entity.subsidiary_id}
            set_line(ground, moved, placed, -minor, at)


def _settle(ground: Ground, payment: Record, entity: LegalEntity, at: int) -> None:
    """Take off receivables what the invoice stands there for; the rest is gained or lost."""
    internal, subsidiary = str(payment["id"]), entity.subsidiary_id
    settled = 0
    for link in _paid_by(ground, payment):
        invoice = ground.store.get("netsuite", "transaction", link["previousdoc"])
        assert invoice is not None
        minor = minor_of(link["foreignamount"], payment["currency"])
        rate = Decimal(invoice["exchangerate"])
        settled += base_minor(minor, payment["currency"], subsidiary, rate)
    bank, receivable = postings_of(ground, internal)
    _, line = lines_of(ground, internal)
    set_posting(ground, receivable, -settled, subsidiary, at)
    ground.add(
        "netsuite", "transactionline", line | {"netamount": base_text(-settled, subsidiary)}, at
    )
    received = int(Decimal(bank["amount"]).scaleb(base_precision(subsidiary)))
    if received != settled:
        rate = Decimal(ground.change("netsuite", "transaction", internal, at)["exchangerate"])
        document = Document(internal, subsidiary, payment["currency"], rate)
        lost = settled - received
        ground.add("netsuite", "transactionline", document.line(2, 0, lost), at)
        ground.add(
            "netsuite", "transactionaccountingline", document.posting(2, FX_GAIN.id, lost), at
        )


def _paid_by(ground: Ground, payment: Record) -> list[Record]:
    return ground.store.rows("netsuite", "previoustransactionlinelink", nextdoc=payment["id"])
