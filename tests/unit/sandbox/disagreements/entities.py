"""Documents in the books of another of our companies than billing says."""

from tests.unit.sandbox.books import Books, Clusters, group
from tests.unit.sandbox.disagreements.common import HOURS_SYNC, Row

MIRRORS = {
    "CustInvc": "custbody_stripe_invoice_id",
    "CustCred": "custbody_stripe_credit_note_id",
    "CustPymt": "custbody_stripe_charge_id",
}


def other_books(books: Books, clusters: Clusters):
    """Of each billing record that is not void its oldest live document, once that is hours old."""
    said = dict(_entities(books))
    seen = set()
    for document in sorted(books.transactions.values(), key=lambda each: int(each["id"])):
        source = document.get(MIRRORS.get(document["type"], ""))
        if document["voided"] == "T" or source not in said or source in seen:
            continue
        seen.add(source)
        entity = _books_of(books, document)
        if said[source] != entity and books.age(document["createddate"]) > HOURS_SYNC:
            yield Row("JE-ENT-01", "legal_entity", source, document["id"])


def _books_of(books: Books, document) -> str:
    subsidiary = books.lines[document["id"]][0]["subsidiary"]
    return books.subsidiaries[subsidiary]["custrecord_entity_code"]


def _entities(books: Books):
    """(id, entity) of invoices, notes and charges: its own, its invoice's, its customer's."""
    intents = group(books.charges.values(), "payment_intent")
    for charge in books.charges.values():
        customer = books.customers[charge["customer"]]
        yield charge["id"], customer["metadata"]["legal_entity"]
    for settled in books.invoice_payments:
        invoice = books.invoices[settled["invoice"]]
        for charge in intents[settled["payment"].get("payment_intent")]:
            yield charge["id"], invoice["metadata"]["legal_entity"]
    for record in (*books.invoices.values(), *books.credit_notes):
        if record["status"] != "void":
            yield record["id"], record["metadata"]["legal_entity"]
