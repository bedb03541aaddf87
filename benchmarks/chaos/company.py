"""What the simulation corrects: records of three systems that drift, and their outbox.

Made once and copied for every seed, so that a seed costs no migrations and no keys.
"""

import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from extractors.sandbox import netsuite_records, reference
from extractors.sandbox.ids import salesforce_id
from extractors.sandbox.ledger import (
    Application,
    InvoiceLine,
    JournalLine,
    invoice_rows,
    journal_rows,
    payment_rows,
)
from extractors.sandbox.netsuite_errors import NetSuiteError
from extractors.sandbox.netsuite_settling import settle
from extractors.sandbox.servers import connections
from extractors.sandbox.store import Store
from reconcilers.corrections import posted_lines
from reconcilers.corrections.customer_links import FIELDS
from reconcilers.corrections.document import MARK
from reconcilers.state.store import State, open_state
from reconcilers.state.views import list_corrections
from tests import application_samples as applications
from tests import contract_samples as contracts
from tests.billing_samples import (
    USED,
    drafts,
    receipts,
    refunds,
    stale_draft,
    unbilled_usage,
    uncredited_refund,
    untold_payment,
    used,
)
from tests.correction_samples import plan_into
from tests.drift_samples import (
    copied_journal,
    drift,
    drift_row,
    lost_link,
    missing_customer,
    missing_invoice,
    missing_payment,
    other_total,
    stale_status,
    unpapered,
)
from tests.plan_facts import FACTS, context, held_field, posted_as
from tests.wire.stripe_sandbox import count

NIGHT = datetime(2026, 7, 1, 2, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 10, 8, tzinfo=UTC)
CHANGED_AT = "2026-01-31T10:00:00.000+0000"
PERIOD = "2606"
ACCOUNTS = [salesforce_id("Account", n) for n in (1, 2)]
SUBSCRIPTION = salesforce_id("Subscription__c", 1)
CUSTOMERS = ("cus_1", "cus_2")
ERP_CUSTOMERS = ("501", "502", "503")
INVOICES = ("in_1", "in_2")
POSTED = "9001"  # an invoice in the ERP that lost its key
KEYED = "in_0"  # the billing invoice that it is of
TABLES = {
    "invoice": "transaction",
    "customerPayment": "transaction",
}  # where the sandbox keeps what is not named like its table
JOURNALS = ("8884", "8885")  # of which the second is a copy
OPEN_INVOICE = "7002"
TOLD = "in_8"  # an invoice of billing that the bank paid: the payment, and the copy that it pays
DRAFT = "in_5"
USE_OF = {"invoice_id": "in_7", "customer_id": "cus_N", "subscription_id": "sub_N"}
BANKED = ("8875", "7954")
MEANT, MISTAKEN = "7004", "7003"  # the invoice that a payment is for, and the one it is applied to
PAYMENT = "8001"
# Records that are made: which field has our external id, and what puts them out of use.
MADE = {
    "customer": ("externalid", ("isinactive", "T")),
    "Opportunity": ("Q2C_Key__c", ("StageName", "Closed Lost")),
}
CONTRACT = "800CONTRACT"  # nothing bills it
APPLY = "apply"  # what a payment is applied to: a set, told as text here
LINES = "item"  # what an invoice sells, told as text here
WRONG, CHARGED = "7005", "in_9"  # an invoice that lacks a line of billing's
# System, record, attribute of the matrix, and what its field says in the place of 'new'.
LINKS = (
    ("salesforce", ACCOUNTS[0], "erp_customer_ref", None),
    ("salesforce", ACCOUNTS[1], "billing_customer_ref", "old"),
    ("stripe", CUSTOMERS[0], "crm_account_ref", "old"),
    ("stripe", CUSTOMERS[1], "erp_customer_ref", None),
    ("netsuite", ERP_CUSTOMERS[1], "crm_account_ref", "old"),
    ("netsuite", ERP_CUSTOMERS[2], "billing_customer_ref", None),
)


_OTHER_LINE = {
    "item_id": "201",
    "quantity": "1",
    "net_minor": 100,
    "tax_minor": 20,
    "tax_code_id": "2",
    "tax_rate": "20",
    "stripe_line_id": "il_7",
    "rev_start": None,
    "rev_end": None,
}  # what a person makes of an invoice


@dataclass(frozen=True)
class Repair:
    """One correction, and where the sandbox keeps the value that it is about.

    `column` is empty for a document to be posted: there the document itself is the value.
    """

    correction_id: str
    system: str
    object: str
    record_id: str
    column: str
    drifted: str | None
    wanted: str

    @property
    def is_posting(self) -> bool:
        return not self.column

    @property
    def is_record(self) -> bool:
        """Whether it is a record to be made that is no document: one is wanted, in use."""
        return self.is_posting and self.object in MADE

    @property
    def is_document(self) -> bool:
        """Whether it stands in the books, where only another document takes it back."""
        return self.is_posting and not self.is_record and self.system == "netsuite"

    @property
    def is_deed(self) -> bool:
        """Whether it is something done to a document: its state is the value."""
        return "/" in self.object

    def value(self, store: Store) -> str | None:
        """What the sandbox has now, without stamps."""
        if self.is_posting and self.system == "stripe":
            rows = [r for r in store.rows("stripe", self.object) if r.get("status") != "canceled"]
            made = (row["metadata"] for row in rows)
            return " ".join(metadata[MARK] for metadata in made if MARK in metadata) or None
        if self.is_record:
            return " ".join(self._in_use(store)) or None
        if self.is_posting:
            found = store.rows("netsuite", "transaction", externalid=self.record_id)
            return " ".join(f"{row['memo']}" for row in found) or None
        if self.column == APPLY:
            links = store.rows("netsuite", "previoustransactionlinelink", nextdoc=self.record_id)
            return _set_of((link["previousdoc"], link["foreignamount"]) for link in links)
        if self.column == LINES:
            lines = store.rows("netsuite", "transactionline", transaction=self.record_id)
            sold = (line for line in lines if line["item"] is not None)
            return _set_of((each["custcol_stripe_line_id"], each["foreignamount"]) for each in sold)
        record = store.get(self.system, self._table, self.record_id) or {}
        is_marked = self.system == "stripe" and not self.is_deed
        held = record.get("metadata") or {} if is_marked else record
        return held.get(self.column)

    def overwrite(self, store: Store, value: str) -> None:
        """What a person does who changes the field meanwhile."""
        if self.column == APPLY:
            with suppress(NetSuiteError):  # where the period is closed, people cannot either
                nothing = {APPLY: {"items": []}}
                netsuite_records.update(store, "customerpayment", self.record_id, nothing, APPLY)
            return
        if self.column == LINES:
            with suppress(NetSuiteError):
                other = posted_lines.sublists([_OTHER_LINE], 2) | {"taxDetailsOverride": True}
                netsuite_records.update(store, "invoice", self.record_id, other, LINES)
            return
        change: dict[str, Any] = {self.column: value}
        if self.system == "stripe" and not self.is_deed:
            held = store.get("stripe", self.object, self.record_id) or {}
            change = {"metadata": {**(held.get("metadata") or {}), **change}}
        key = "Id" if self.system == "salesforce" else "id"
        store.put(self.system, self._table, {key: self.record_id, **change})

    def _in_use(self, store: Store) -> Iterator[str]:
        """Our external id, once for each record that has it and was not put out of use."""
        external_id, (flag, retired) = MADE[self.object]
        for row in store.rows(self.system, self.object, **{external_id: self.record_id}):
            if row[flag] != retired:
                yield self.record_id

    @property
    def _table(self) -> str:
        return (
            self.object.partition("/")[0] if self.is_deed else TABLES.get(self.object, self.object)
        )


@dataclass(frozen=True)
class Template:
    """The company and its outbox as every seed begins, on disk."""

    folder: Path

    @property
    def repairs(self) -> list[Repair]:
        state = open_state(str(self.folder / "state.db"))
        try:
            return [_repair(view) for view in list_corrections(state)]
        finally:
            state.close()

    @contextmanager
    def company(self, folder: Path) -> Iterator[Store]:
        """A company of one's own."""
        path = folder / "company.db"
        for left in folder.glob("company.db*"):
            left.unlink()
        shutil.copyfile(self.folder / "company.db", path)
        store = Store(path)
        try:
            yield store
        finally:
            store.close()

    def fill(self, state: State) -> None:
        """Let a store in memory have the outbox as it was planned."""
        source = sqlite3.connect(self.folder / "state.db")
        holder = state.engine.raw_connection()
        try:
            source.backup(holder.driver_connection)
        finally:
            holder.close()
            source.close()


def make_template(folder: Path) -> Template:
    """Write the company and its outbox into a folder."""
    store = Store(folder / "company.db")
    store.set_clock(NIGHT)
    _fill(store)
    connections(store, {"salesforce": 1, "stripe": 1, "netsuite": 1})  # makes the keys
    store.close()
    state = open_state(str(folder / "state.db"))
    _plan(state)
    state.close()
    for name in ("company.db", "state.db"):
        holder = sqlite3.connect(folder / name)
        holder.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        holder.execute("PRAGMA journal_mode=DELETE")
        holder.close()
    return Template(folder)


def _fill(store: Store) -> None:
    for table, rows in reference.netsuite_rows("2026-01-01 00:00:00").items():
        store.put_many("netsuite", table, rows)
    store.put_many("netsuite", "accountingperiod", reference.accounting_periods(2026, 2026))
    erp = {"companyname": "Acme", "subsidiary": "2", "currency": "2", "isinactive": "F"}
    stamps = {"datecreated": LONG_AGO, "lastmodifieddate": LONG_AGO}
    store.put_many("netsuite", "customer", [{"id": n, **erp, **stamps} for n in ERP_CUSTOMERS])
    posted = {"id": POSTED, "type": "CustInvc", "status": "A", "postingperiod": PERIOD}
    made = {"createddate": LONG_AGO, "lastmodifieddate": LONG_AGO}
    store.put_many("netsuite", "transaction", [{**posted, "entity": ERP_CUSTOMERS[0], **made}])
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), LONG_AGO)
    account = {"Name": "Acme", "Type": "Customer", "IsDeleted": False, **stamps}
    store.put_many(
        "salesforce", "Account", [{"Id": key, "ARR__c": "637200.0", **account} for key in ACCOUNTS]
    )
    subscription = {
        "Id": SUBSCRIPTION,
        "Account__c": ACCOUNTS[0],
        "Stripe_Subscription_Id__c": "sub_1",
        "Status__c": "Active",
        "Status_Changed_At__c": datetime(2026, 1, 31, 10, tzinfo=UTC),
        "IsDeleted": False,
    }
    store.put_many("salesforce", "Subscription__c", [subscription | stamps])
    created = {"created": int(LONG_AGO.timestamp())}
    customer = {"name": "Acme", "metadata": {}, **created}
    store.put_many("stripe", "customer", [{"id": key, **customer} for key in CUSTOMERS])
    store.put("stripe", "customer", {"id": "cus_N", **customer})
    sold = {"id": "sub_N", "status": "active", "customer": "cus_N", "items": {"data": []}}
    store.put("stripe", "subscription", {**sold, **created})
    for system, key, attribute, old in LINKS:
        place, name = FIELDS[system, attribute], "Id" if system == "salesforce" else "id"
        store.put(system, place.object, {name: key, **place.holding(old)}, stamp=False)
    for key in JOURNALS:
        _journal(store, key)
    for key in (OPEN_INVOICE, MISTAKEN, MEANT):
        _open_invoice(store, key)
    charge = {"id": "ch_1", "status": "succeeded", "amount": 9000, "currency": "gbp"}
    store.put("stripe", "charge", {**charge, **created})
    _misapplied_payment(store)
    _open_invoice(store, WRONG, InvoiceLine("201", 1, 7_500, 1_500, "2", *_SERVED, "il_0"))
    invoice = {"customer": CUSTOMERS[0], "status": "open", "total": 12000, "currency": "gbp"}
    store.put_many("stripe", "invoice", [{"id": key, **invoice, **created} for key in INVOICES])
    due = {"id": TOLD, "amount_due": 12000, "amount_remaining": 12000, "metadata": {}}
    store.put("stripe", "invoice", {**invoice, **created, **due})
    due |= {"id": DRAFT, "status": "draft", "auto_advance": True}
    store.put("stripe", "invoice", {**invoice, **created, **due})
    store.put("stripe", "invoice", {"id": CHARGED, **invoice, **created})
    _bank_receipt(store)
    paid = {"id": "in_6", "status": "paid", "total_taxes": []}
    store.put("stripe", "invoice", {**invoice, **created, **paid})
    store.put("stripe", "invoice", {"id": "in_7", **invoice, **created, "customer": "cus_N"})
    store.put("stripe", "product", {"id": "prod_1", "name": "Calls", **created})
    count(store, 1200, at=USED["starts"], customer="cus_N")
    charge |= {"id": "ch_6", "amount": 12000, "amount_refunded": 6000, "disputed": False}
    store.put("stripe", "charge", {**charge, **created})
    refund = {"id": "re_1", "amount": 6000, "currency": "gbp", "status": "succeeded"}
    store.put("stripe", "refund", {**refund, **created, "charge": "ch_6"})
    price = {"id": "price_1", "currency": "usd", "product": "prod_1", "active": True}
    price |= {"recurring": {"interval": "month"}, "unit_amount": 900, "unit_amount_decimal": "900"}
    store.put("stripe", "price", {**price, **created})


def _journal(store: Store, key: str) -> None:
    """Both of them book the samples' lines."""
    lines = [JournalLine("210", 12_000), JournalLine("400", -12_000)]
    rows = journal_rows(
        internal_id=key,
        tranid=f"JE-{key}",
        subsidiary="2",
        trandate=date(2026, 6, 12),
        period_id=PERIOD,
        lines=lines,
        memo="Revenue",
        at=LONG_AGO,
    )
    for table, records in rows.items():
        store.put_many("netsuite", table, records)


_PAID = InvoiceLine("201", 1, 10_000, 2_000, "2", None, None, "il_8")
_SERVED = (date(2026, 6, 12), date(2026, 7, 11))


def _open_invoice(store: Store, key: str, line: InvoiceLine = _PAID) -> None:
    """An invoice of the ERP, of one line; usually one that billing has been paid for."""
    day = date(2026, 6, 1)
    rows = invoice_rows(
        internal_id=key,
        tranid=f"UK-{key}",
        entity_id=ERP_CUSTOMERS[0],
        subsidiary="2",
        currency="2",
        exchange_rate=Decimal(1),
        trandate=day,
        duedate=day,
        period_id=PERIOD,
        externalid=f"in_{key}",
        customform="subscription",
        lines=[line],
        custbody={},
        at=LONG_AGO,
    )
    for table, records in rows.items():
        store.put_many("netsuite", table, records)


def _misapplied_payment(store: Store) -> None:
    rows = payment_rows(
        internal_id=PAYMENT,
        tranid=PAYMENT,
        entity_id=ERP_CUSTOMERS[0],
        subsidiary="2",
        currency="2",
        exchange_rate=Decimal(1),
        trandate=date(2026, 6, 2),
        period_id=PERIOD,
        externalid="ch_2",
        amount_minor=6000,
        applied=[Application(MISTAKEN, 6000, Decimal(1))],
        custbody={},
        at=LONG_AGO,
    )
    for table, records in rows.items():
        store.put_many("netsuite", table, records)
    settle(store, store.get("netsuite", "transaction", MISTAKEN) or {}, 6000)


_APPLICATIONS = (applications.part(MISTAKEN, 6000, 0), applications.part(MEANT, 0, 4000))


def _bank_receipt(store: Store) -> None:
    """A payment of the bank, applied to the ERP's copy of an invoice that billing has open."""
    made = {"createddate": LONG_AGO, "lastmodifieddate": LONG_AGO, "voided": "F"}
    for key, kind in zip(BANKED, ("CustPymt", "CustInvc"), strict=True):
        row = {"id": key, "type": kind, "foreigntotal": "120", "foreignamountunpaid": "0", **made}
        store.put_many("netsuite", "transaction", [row])
    link = {"nextdoc": BANKED[0], "nextline": "1", "previousdoc": BANKED[1], "previousline": "0"}
    link |= {"linktype": "Payment", "foreignamount": "120"}
    store.put_many("netsuite", "previoustransactionlinelink", [link])


def _plan(state: State) -> None:
    invoice = FACTS["billing_invoices"][0]
    line = [row for row in FACTS["billing_invoice_lines"] if row["invoice_id"] == "in_1"]
    facts: Mapping[str, list[dict[str, Any]]] = {
        "crm_accounts": [{**FACTS["crm_accounts"][0], "account_id": key} for key in ACCOUNTS],
        "crm_subscriptions": [{**FACTS["crm_subscriptions"][0], "subscription_id": SUBSCRIPTION}],
        "billing_invoices": [
            {**invoice, "invoice_id": key, "number": f"UK-{key}"} for key in (*INVOICES, CHARGED)
        ],
        "billing_invoice_lines": [
            {**row, "invoice_id": key} for key in (*INVOICES, CHARGED) for row in line
        ],
        "held_fields": [
            *(held_field((s, r), "customer", a, old) for s, r, a, old in LINKS),
            held_field(("salesforce", ACCOUNTS[1]), "mrr_month", "arr", "637200.0"),
            held_field(("netsuite", POSTED), "invoice", "invoice_id", period_id=PERIOD),
        ],
        **receipts(total="120"),
        **drafts(),
        **refunds(paid_credits_minor=0, open_credits_minor=0, refund_credits_minor=0),
        **used(**USE_OF),
        **_wrong_lines(),
    }
    facts = {**facts, **applications.facts(*_APPLICATIONS)}
    unbilled = contracts.contract(contract_id=CONTRACT, row_key=f"salesforce:{CONTRACT}")
    facts["unbilled"] = [{**unbilled, "customer_id": CUSTOMERS[1]}]
    facts["unbilled_lines"] = [contracts.line(contract_id=CONTRACT)]
    facts["billing_prices"] = [contracts.price("price_1", "900")]
    found = drift(
        lost_link(CUSTOMERS[0], ACCOUNTS[0]),
        stale_status("sub_1", SUBSCRIPTION),
        *(missing_invoice(key) for key in INVOICES),
        *(_wrong_link(f"{n}", *link) for n, link in enumerate(LINKS)),
        drift_row(
            ACCOUNTS[1],
            "MRR-XSYS-01",
            owner_system="salesforce",
            attribute="arr",
            expected="849600",
            cause="not_updated",
        ),
        drift_row(
            KEYED,
            "CTL-XREF-01",
            replica_id=POSTED,
            attribute="invoice_id",
            expected=KEYED,
            cause="by_number",
        ),
        copied_journal(JOURNALS[1]),
        missing_payment("ch_1"),
        untold_payment(replica_id=TOLD),
        uncredited_refund(),
        unbilled_usage(),
        stale_draft(),
        other_total(WRONG, owner_id=CHARGED),
        applications.misapplied_payment(PAYMENT),
        missing_customer("CUS-MISS-02"),
        unpapered(),
        {**contracts.unbilled_contract(), "row_key": f"salesforce:{CONTRACT}"},
    )
    plan_into(state, found, context(**facts), NIGHT)


def _wrong_lines() -> dict[str, list[dict[str, Any]]]:
    """What a night knows of the invoice that lacks a line."""
    facts = posted_as(
        ("il_0", 7500, 1500),
        transaction_id=WRONG,
        invoice_id=CHARGED,
        total="90",
        unpaid="90",
    )
    lines = [line | {"transaction_id": WRONG} for line in facts["erp_copy_lines"]]
    return facts | {"erp_copy_lines": lines}


def _wrong_link(
    name: str, system: str, record: str, attribute: str, old: str | None
) -> dict[str, Any]:
    return drift_row(
        name,
        "CUS-LINK-01",
        comparison="cmp_customer_link__copy_vs_crosswalk",
        row_key=f"{system}:{record}:{attribute}",
        attribute=attribute,
        replica_system=system,
        replica_id=record,
        expected=f"new_{record}",
        observed=old,
        cause="crossed" if old else "empty",
    )


def _repair(view: Any) -> Repair:
    assert not view.refusals, f"{view.code} cannot be simulated, it is refused: {view.refusals}"
    if view.operation == "upsert" and view.object in MADE:
        key = view.record_id
        return Repair(view.correction_id, view.system, view.object, key, "", None, key)
    if view.operation == "upsert":
        memo = view.payload["memo"]
        return Repair(view.correction_id, "netsuite", view.object, view.record_id, "", None, memo)
    if view.operation == "create":
        mark = view.payload["metadata"][MARK]
        return Repair(view.correction_id, view.system, view.object, view.record_id, "", None, mark)
    column = view.attribute.rpartition(".")[2]
    drifted, wanted = (_kept(image, column) for image in (view.before, view.after))
    return Repair(
        view.correction_id, view.system, view.object, view.record_id, column, drifted, wanted
    )


def _kept(image: Mapping[str, Any], column: str) -> Any:
    """A value of an image as the sandbox keeps it: a number without decimals that say nothing."""
    if column == APPLY:
        lines = image[APPLY]["items"]
        return _set_of((line["doc"]["id"], line["amount"]) for line in lines)
    if column == LINES:
        sold = image[LINES]["items"]
        return _set_of((each["custcol_stripe_line_id"], f"-{each['amount']}") for each in sold)
    if "is_final" in image:
        return "open"
    value = dict(_leaves(image))[column]
    return value.removesuffix(".0") if isinstance(value, str) else value


def _set_of(parts: Iterable[tuple[str, str]]) -> str:
    """What is taken off which invoice, in one text."""
    return " ".join(sorted(f"{key}={Decimal(amount).normalize():f}" for key, amount in parts))


def _leaves(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value)
        else:
            yield name, value
