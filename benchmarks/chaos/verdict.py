"""The invariants that can be told when all is over (the others are noted by the witness).

I1 at most one effect, and accepted means exactly one; I4 debits equal credits of what was posted;
I6 of an invoice as much is open as what is applied to it leaves;
I7 every attempt has an end and every correction a state in which a person sees it.
"""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import select

from benchmarks.chaos.company import PERIOD, TABLES, Repair
from benchmarks.chaos.witness import Witness
from extractors.sandbox.store import Store
from reconcilers.corrections.compensate import Compensation
from reconcilers.corrections.states import CorrectionState
from reconcilers.state.audit import verify_audit
from reconcilers.state.models import Attempt, AuditHead, CorrectionRecord
from reconcilers.state.store import State

S = CorrectionState
OPEN = (S.APPROVED.value, S.SENDING.value, S.UNKNOWN.value)
WITHOUT_EFFECT = (S.DEAD, S.REFUSED, S.PROPOSED, S.REJECTED, S.HELD)


def outbox(state: State) -> tuple[int, list[str]]:
    """How far the audit is, and where each correction stands."""
    with state.read() as session:
        head = session.scalars(select(AuditHead.sequence)).one()
        records = session.scalars(
            select(CorrectionRecord).order_by(CorrectionRecord.correction_id)
        ).all()
        return head, [f"{record.correction_id} {record.state}" for record in records]


def open_corrections(state: State) -> list[str]:
    with state.read() as session:
        query = select(CorrectionRecord.correction_id).where(CorrectionRecord.state.in_(OPEN))
        return list(session.scalars(query))


def check(store: Store, state: State, witness: Witness) -> None:
    with state.read() as session:
        records = session.scalars(select(CorrectionRecord)).all()
        states = {record.correction_id: record.state for record in records}
        endless = session.scalars(
            select(Attempt.correction_id).where(Attempt.finished_at.is_(None))
        ).all()
    for name in endless:
        witness.breach("I7", f"an attempt of {name} has no end")
    for repair in witness.repairs:
        _check_repair(repair, states[repair.correction_id], store, witness)
    for document, difference in unbalanced(store).items():
        witness.breach("I4", f"transaction {document}: debits exceed credits by {difference}")
    for invoice, left in misapplied(store).items():
        witness.breach("I6", f"invoice {invoice}: its total less what is applied leaves {left}")
    chain = verify_audit(state)
    if not chain.holds:
        witness.breach("audit", f"line {chain.broken_at} {chain.problem}")


def _check_repair(repair: Repair, state: str, store: Store, witness: Witness) -> None:
    name, effects = repair.correction_id, witness.effects[repair.correction_id]
    was_changed = witness.was_changed(repair)
    if state in OPEN:
        witness.breach("I7", f"{name} is still {state} in clear weather")
    if state in WITHOUT_EFFECT and effects:
        witness.breach("I1", f"{name} is {state} and took effect")
    if state == S.ACCEPTED and effects != 1 and not was_changed:
        witness.breach("I1", f"{name} is accepted after {effects} effects")
    is_there = repair.value(store) == repair.wanted
    if state == S.ACCEPTED and not is_there and not was_changed:
        witness.breach("I1", f"{name} is accepted and not there")
    if state == S.SUPERSEDED and is_there:
        witness.breach("I1", f"{name} is superseded and there")


def is_closed(store: Store) -> bool:
    """Whether the month that the documents are of was closed meanwhile."""
    period = store.get("netsuite", "accountingperiod", PERIOD) or {}
    return bool(period["closed"] == "T")


def _stays_changed(store: Store, repair: Repair) -> bool:
    """Whether it is a field of a document whose period closed: it is not changed back any more."""
    return repair.object in TABLES and not repair.is_posting and is_closed(store)


def check_undone(
    store: Store, state: State, witness: Witness, undos: Sequence[Compensation]
) -> None:
    """I9: fields say again what they said; what was posted and credited comes to nothing."""
    repairs = {repair.correction_id: repair for repair in witness.repairs}
    with state.read() as session:
        records = session.scalars(select(CorrectionRecord)).all()
        states = {record.correction_id: record.state for record in records}
    for undo in undos:
        repair, stands = repairs[undo.undoes], states[undo.correction_id]
        if witness.was_changed(repair) or (stands == S.REFUSED and _stays_changed(store, repair)):
            continue
        if stands != S.ACCEPTED or states[undo.undoes] != S.COMPENSATED:
            witness.breach(
                "I9", f"the undo of {undo.undoes} is {stands}, itself {states[undo.undoes]}"
            )
        elif not repair.is_document and (repair.value(store) or None) != _undone(repair):
            witness.breach("I9", f"{undo.undoes} is undone and says {repair.value(store)}")
        elif repair.is_document and (left := _left_of(store, repair, undo)):
            witness.breach("I9", f"{undo.undoes} is credited and leaves {left}")
    for document, difference in unbalanced(store).items():
        witness.breach("I4", f"transaction {document}: debits exceed credits by {difference}")


def _undone(repair: Repair) -> str | None:
    """What the value is once it is undone: an invoice that went out does not come back."""
    return "void" if repair.is_deed else repair.drifted


def _left_of(store: Store, repair: Repair, undo: Compensation) -> dict[str, Decimal]:
    """By account, what a document and what undid it together leave in the books."""
    external_ids = (repair.record_id, undo.payload.get("externalId", undo.record_id))
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for external_id in external_ids:
        for document in store.rows("netsuite", "transaction", externalid=external_id):
            for row in store.rows(
                "netsuite", "transactionaccountingline", transaction=document["id"]
            ):
                sums[row["account"]] += Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)
    return {account: left for account, left in sums.items() if left}


def misapplied(store: Store) -> dict[str, str]:
    """Invoices of which more or less is open than what is applied to them leaves of their total."""
    left = {}
    for invoice in store.rows("netsuite", "transaction", type="CustInvc"):
        if invoice["foreigntotal"] is None:  # a number that people took, and nothing else
            continue
        links = store.rows("netsuite", "previoustransactionlinelink", previousdoc=invoice["id"])
        applied = sum(Decimal(link["foreignamount"]) for link in links)
        due = Decimal(invoice["foreigntotal"]) - applied
        if due < 0 or due != Decimal(invoice["foreignamountunpaid"]):
            left[invoice["id"]] = f"{due} of {invoice['foreignamountunpaid']}"
    return left


def unbalanced(store: Store) -> dict[str, Decimal]:
    """What is off in the books, by document: debits minus credits in its own currency."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in store.rows("netsuite", "transactionaccountingline"):
        sums[row["transaction"]] += Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)
    return {document: difference for document, difference in sums.items() if difference}
