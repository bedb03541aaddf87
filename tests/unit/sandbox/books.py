"""What the three systems hold, read once, and which of their records are the same company."""

import re
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from extractors.sandbox.bank import entries


class Books:
    """Everything in the store, read once."""

    def __init__(self, store) -> None:  # noqa: PLR0915
        self.now = store.now()
        accounts = store.rows("salesforce", "Account")
        self.accounts = by_id((a for a in accounts if not a["IsDeleted"]), "Id")
        self.merged = {a["Id"]: a["MasterRecordId"] for a in accounts if a["IsDeleted"]}
        self.opportunities = by_id(store.rows("salesforce", "Opportunity"), "Id")
        contracts = store.rows("salesforce", "Contract")
        self.contracts = by_id((c for c in contracts if not c["IsDeleted"]), "Id")
        self.contract_lines = [
            line
            for line in store.rows("salesforce", "Contract_Line__c")
            if line["Contract__c"] in self.contracts
        ]
        self.line_saves = group(store.rows("salesforce", "Contract_Line__History"), "ParentId")
        self.contract_saves = group(store.rows("salesforce", "ContractHistory"), "ContractId")
        self.crm_products = by_id(store.rows("salesforce", "Product2"), "Id")
        self.crm_subscriptions = store.rows("salesforce", "Subscription__c")
        self.customers = by_id(store.rows("stripe", "customer"), "id")
        self.products = by_id(store.rows("stripe", "product"), "id")
        self.subscriptions = by_id(store.rows("stripe", "subscription"), "id")
        self.schedules = by_id(store.rows("stripe", "subscription_schedule"), "id")
        self.invoices = by_id(store.rows("stripe", "invoice"), "id")
        self.charges = by_id(store.rows("stripe", "charge"), "id")
        self.refunds = by_id(store.rows("stripe", "refund"), "id")
        self.disputes = by_id(store.rows("stripe", "dispute"), "id")
        self.payouts = by_id(store.rows("stripe", "payout"), "id")
        self.bank_lines = entries(store)
        self.balance = store.rows("stripe", "balance_transaction")
        self.clearing = store.rows("netsuite", "account", acctnumber="1050")[0]["id"]
        self.invoice_payments = store.rows("stripe", "invoice_payment")
        self.erp_customers = by_id(store.rows("netsuite", "customer"), "id")
        self.transactions = by_id(store.rows("netsuite", "transaction"), "id")
        self.lines = group(store.rows("netsuite", "transactionline"), "transaction")
        self.postings = group(store.rows("netsuite", "transactionaccountingline"), "transaction")
        self.periods = {
            period["id"]: f"{period['startdate']:.7}"
            for period in store.rows("netsuite", "accountingperiod")
        }
        self.closed_at = {
            period["id"]: instant(period["closedondate"])
            for period in store.rows("netsuite", "accountingperiod")
            if period["closed"] == "T" and period["closedondate"]
        }
        self.notes = group(store.rows("netsuite", "systemnote"), "recordid")
        self.plans = by_id(store.rows("netsuite", "revenueplan"), "id")
        self.plan_lines = store.rows("netsuite", "revenueplanline")
        self._planned = group(self.plan_lines, "revenueplan")
        self.entries = store.rows("salesforce", "PricebookEntry")
        self.all_prices = store.rows("stripe", "price")
        self.prices = [p for p in self.all_prices if p["active"]]
        self.usage = group(store.rows("stripe", "billing.meter_event"), "customer")
        self.price_by_id = by_id(store.rows("stripe", "price"), "id")
        self.terms, self.subsidiaries = (
            by_id(store.rows("netsuite", kind), "id") for kind in ("term", "subsidiary")
        )
        self.currencies = by_id(store.rows("netsuite", "currency"), "id")
        self.accounts_of_ledger = by_id(store.rows("netsuite", "account"), "id")
        self.items = by_id(store.rows("netsuite", "item"), "id")
        self.tax_codes = by_id(store.rows("netsuite", "taxcode"), "id")
        self.credit_notes = store.rows("stripe", "credit_note")
        self.links = store.rows("netsuite", "previoustransactionlinelink")
        self.credited = self._credited()
        self.faults = store.meta("faults", {})
        self.last_event = {}
        for event in store.rows("stripe", "event"):
            self.last_event[event["data"]["object"]["id"]] = event["created"]

    def _credited(self) -> Counter:
        """What credit memos took off each ERP invoice, minor units."""
        credited: Counter = Counter()
        for link in self.links:
            document = self.transactions.get(link["nextdoc"])
            if document is not None and document["type"] == "CustCred":
                amount = self.minor(link["foreignamount"], document["currency"])
                credited[link["previousdoc"]] += amount
        return credited

    def months(self, plan) -> dict[str, int]:
        """What a revenue plan gives each month, minor units."""
        lines = self._planned[plan["id"]]
        return {x["periodname"]: self.minor(x["amount"], plan["currency"]) for x in lines}

    def age(self, *stamps) -> timedelta:
        return self.now - max(instant(stamp) for stamp in stamps if stamp is not None)

    def minor(self, text, currency_id) -> int:
        digits = int(self.currencies[currency_id]["currencyprecision"])
        return int(Decimal(text or "0").scaleb(digits).to_integral_exact())


def instant(stamp) -> datetime:
    if isinstance(stamp, int):
        return datetime.fromtimestamp(stamp, UTC)
    if isinstance(stamp, date):
        return datetime(stamp.year, stamp.month, stamp.day, tzinfo=UTC)
    if len(stamp) == 10:
        return datetime.fromisoformat(stamp).replace(tzinfo=UTC)
    if "T" in stamp:
        return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.000%z")
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC)


def by_id(rows, key) -> dict:
    return {row[key]: row for row in rows}


def group(rows, key) -> dict:
    groups = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups


class Clusters:
    """Who is the same company: explicit references, then tax ids, then domain with country."""

    def __init__(self, books: Books) -> None:
        self._parent = {}
        self.books = books
        self.linked = set()
        self.wrong = []  # (kind, id, other kind, the id that it names): nobody's, or a stranger's
        for kind, rows in self._kinds():
            for row_id in rows:
                self._parent[kind, row_id] = (kind, row_id)
        self._by_reference()
        self._by_key(self._tax_id)
        self._by_key(self._place)
        self.members = defaultdict(lambda: defaultdict(list))
        for kind, row_id in self._parent:
            self.members[self.root(kind, row_id)][kind].append(row_id)

    def _kinds(self):
        books = self.books
        return (
            ("crm", books.accounts),
            ("billing", books.customers),
            ("erp", books.erp_customers),
        )

    def root(self, kind, row_id):
        node = (kind, row_id)
        while self._parent[node] != node:
            node = self._parent[node]
        return node

    def of(self, kind, row_id, wanted) -> list[str]:
        return self.members[self.root(kind, row_id)][wanted]

    def _join(self, left, right) -> None:
        if left in self._parent and right in self._parent:
            self._parent[self.root(*left)] = self.root(*right)

    def _by_reference(self) -> None:
        for account_id, account in self.books.accounts.items():
            self._refer("crm", account_id, "billing", account["Stripe_Customer_Id__c"])
            self._refer("crm", account_id, "erp", account["NetSuite_Customer_Id__c"])
        for customer_id, customer in self.books.customers.items():
            metadata = customer["metadata"]
            self._refer("billing", customer_id, "crm", metadata.get("crm_account_id"))
            self._refer("billing", customer_id, "erp", metadata.get("netsuite_customer_id"))
        for erp_id, erp in self.books.erp_customers.items():
            self._refer("erp", erp_id, "crm", erp["custentity_sfdc_id"])
            self._refer("erp", erp_id, "billing", erp["custentity_stripe_id"])

    def _refer(self, kind, row_id, other, other_id) -> None:
        if not other_id:
            return
        known = (other, other_id) in self._parent
        if not known or self._are_strangers(kind, row_id, other, other_id):
            self.wrong.append((kind, row_id, other, other_id))
            return
        self.linked.add(((kind, row_id), (other, other_id)))
        self._join((kind, row_id), (other, other_id))

    def _are_strangers(self, kind, row_id, other, other_id) -> bool:
        """Whether both have a tax id, another mail host, and nothing of the two is equal."""
        rows = dict(self._kinds())
        one, two = rows[kind][row_id], rows[other][other_id]
        taxes = tax_id_of(kind, one), tax_id_of(other, two)
        return (
            None not in taxes and taxes[0] != taxes[1] and mail_of(kind, one) != mail_of(other, two)
        )

    def _by_key(self, key_of) -> None:
        """Join single records to the one cluster that has their key."""
        first = {}
        for kind, rows in self._kinds():
            for row_id, row in rows.items():
                key = key_of(kind, row)
                if key:
                    first.setdefault(key, (kind, row_id))
                    self._join((kind, row_id), first[key])

    @staticmethod
    def _tax_id(kind, row):
        return tax_id_of(kind, row)

    @staticmethod
    def _place(kind, row):
        address = {"crm": "Website", "billing": "email", "erp": "email"}[kind]
        host = re.sub(r"^(https?://)?(www\.)?", "", row.get(address) or "").split("@")[-1]
        return (host, country_of(kind, row)) if host else None


def mail_of(kind, row):
    return row[{"crm": "Invoice_Email__c", "billing": "email", "erp": "email"}[kind]]


def tax_id_of(kind, row):
    if kind == "billing":
        value = row["tax_ids"]["data"][0]["value"] if row["tax_ids"]["data"] else None
    else:
        value = row["Tax_Id__c" if kind == "crm" else "vatregnumber"]
    return re.sub(r"[^A-Z0-9]", "", value.upper()) if value else None


def country_of(kind, row):
    if kind == "billing":
        return row["address"]["country"]
    return row["BillingCountryCode" if kind == "crm" else "billcountry"]
