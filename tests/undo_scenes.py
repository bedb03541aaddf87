"""One scene for each class whose correction can be undone: records that drifted, and what a night says.

A scene puts its records into a sandbox company and gives the finding and its facts; `n` varies
the values. `ALIKE` are classes that are written and undone by the same code as another.
"""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

from extractors.sandbox import reference
from reconcilers.corrections.customer_links import FIELDS
from reconcilers.corrections.field_copies import COPIES
from reconcilers.corrections.policy import CEILINGS
from tests import application_samples as applications
from tests import billing_samples as billing
from tests import cash_samples as cash
from tests import contract_samples as contracts
from tests import drift_samples as samples
from tests import plan_facts
from tests.field_samples import CASES
from tests.revenue_samples import MONTHS, other_amount
from tests.unit.reconcilers import test_billed_twice as twice
from tests.unit.reconcilers import test_posted_fields as posted_fields
from tests.unit.reconcilers import test_signed_discounts as discounts
from tests.unit.reconcilers import test_signed_ends as ends
from tests.unit.reconcilers import test_signed_prices as prices
from tests.unit.reconcilers import test_signed_steps as steps
from tests.unit.reconcilers import test_signed_terms as terms
from tests.unit.reconcilers import test_subscription_ends as over
from tests.unit.reconcilers.test_plan_links import field, wrong_link
from tests.wire import stripe_sandbox
from tests.wire.test_amendments_netsuite import LINES, dated, posted
from tests.wire.test_corrections_fields import FLAGS, TABLES
from tests.wire.test_documents_netsuite import applied, invoice, memo, payment, post, put
from tests.wire.vendors import LONG_AGO, Vendors

Rule = tuple[str, str | None]
Scene = Callable[[Vendors, int], tuple[dict[str, Any], dict[str, Any]]]
SCENES: dict[Rule, Scene] = {}
ALIKE: dict[Rule, Rule] = {
    **dict.fromkeys(
        [
            ("JE-ACC-01", None),
            ("DSP-LIFE-01", "not_posted"),
            ("PYT-CLR-01", "journal_by_hand"),
            ("REV-STOP-01", None),
            ("REV-SCH-01", "planned_twice"),
        ],
        ("JE-DUP-01", None),
    ),
    **dict.fromkeys([("TAX-AMT-01", None), ("TAX-CODE-01", None)], ("INV-AMT-01", None)),
    ("INV-LINE-01", None): ("INV-AMT-01", None),
}
OTHERWISE = {("PYT-DEP-01", "not_deposited")}  # of a class of copied fields, and no field
CREATED = int(LONG_AGO.timestamp())
JUNE = ends.JUNE
ACCOUNT = "001Sb0000000001IAA"
_SF = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), LONG_AGO)
_ERP = {"datecreated": LONG_AGO, "lastmodifieddate": LONG_AGO}


def scene(*rules: Rule) -> Callable[[Scene], Scene]:
    def known(made: Scene) -> Scene:
        SCENES.update(dict.fromkeys(rules, made))
        return made

    return known


def found(company: Vendors) -> None:
    """What all scenes stand in: an ERP with open months, customers, a subscription of billing."""
    store = company.store
    for table, rows in reference.netsuite_rows("2026-01-01 00:00:00").items():
        store.put_many("netsuite", table, rows)
    store.put_many("netsuite", "accountingperiod", reference.accounting_periods(2026, 2026))
    customer = {"companyname": "Acme", "subsidiary": "2", "currency": "2", "isinactive": "F"}
    store.put_many(
        "netsuite", "customer", [{"id": key, **customer, **_ERP} for key in ("9", "77", "501")]
    )
    stripe_sandbox.fill(store)
    of_crm(company, "Account", ACCOUNT, Name="Acme", Type="Customer")
    bill = {"id": "in_1", "customer": "cus_1", "currency": "gbp", "status": "open", "total": 12000}
    money = dict.fromkeys(("subtotal", "amount_due", "amount_remaining"), 12000)
    store.put_many("stripe", "invoice", [{**bill, **money, "created": CREATED}])


def of_crm(company: Vendors, kind: str, key: str, **fields: Any) -> None:
    company.store.put_many("salesforce", kind, [{"Id": key, "IsDeleted": False, **_SF, **fields}])


def write(company: Vendors, kind: str, external_id: str, body: dict[str, Any]) -> str:
    """The id of a document that the ERP was given."""
    intent = put(kind, external_id, body)
    return company.with_target("netsuite", lambda target: target.write(intent)).record_id


def look_up(company: Vendors, kind: str, key: str) -> dict[str, Any]:
    return company.with_target("netsuite", lambda target: target.lookup(kind, id=key))[0]


def items(company: Vendors) -> list[dict[str, Any]]:
    return company.store.get("stripe", "subscription", "sub_1")["items"]["data"]


def give(company: Vendors, *data: dict[str, Any]) -> None:
    company.store.put("stripe", "subscription", {"id": "sub_1", "items": {"data": [*data]}})


@scene(("CUS-MISS-01", "link_lost"))
def lost_link(company, n):
    facts = plan_facts.changed("crm_accounts", account_id=ACCOUNT)
    return samples.lost_link(f"cus_{n % 3 + 1}", ACCOUNT), facts


@scene(("CUS-LINK-01", "merged"), ("CUS-LINK-01", None))
def crossed_link(company, n):
    system, attribute = sorted(FIELDS)[n % len(FIELDS)]
    record, held = (
        {"salesforce": ACCOUNT, "stripe": "cus_1", "netsuite": "501"}[system],
        ("old" if n % 2 else None),
    )
    place, key = FIELDS[system, attribute], "Id" if system == "salesforce" else "id"
    company.store.put(system, place.object, {key: record, **place.holding(held)}, stamp=False)
    row = wrong_link(system, attribute, record, expected=f"new{n}", observed=held)
    row["cause"] = "crossed" if held else "empty"
    return row, {"held_fields": [field(system, attribute, record, held)]}


@scene(("SUB-STAT-01", "crm_copy_stale"))
def stale_status(company, n):
    record = "a0SSb0000000001IAA"
    fields = {"Stripe_Subscription_Id__c": "sub_1", "Status__c": "Active", "Account__c": ACCOUNT}
    fields["Status_Changed_At__c"] = LONG_AGO
    of_crm(company, "Subscription__c", record, **fields)
    changed_at = "2026-01-10T08:00:00.000+0000"
    facts = plan_facts.changed(
        "crm_subscriptions", subscription_id=record, status_changed_at=changed_at
    )
    return samples.stale_status("sub_1", record), facts


@scene(("SUB-STAT-01", "billing_after_cancel"), ("CON-REN-01", "billed_after_churn"))
def runs_on(company, n):
    row = over.billed_after_churn() if n % 2 else over.billed_after_cancel()
    return row, {"billing_ends": [over.running()]}


@scene(("SUB-DUP-01", None))
def billed_twice(company, n):
    first, second = items(company)
    copy = {**first, "id": "si_3", "quantity": 1 + n, "metadata": {"crm_contract_line_id": "a01"}}
    give(company, first, second, copy)
    known = twice.copy_of(first, second, copy, item_id="si_3", quantity=1 + n)
    return twice.again(), {"billed_twice": [known]}


@scene(("CON-MISS-01", None))
def unbilled(company, n):
    line = contracts.line(quantity=1 + n, mrr_minor=1000 * (1 + n))
    facts = {"unbilled": [contracts.contract()], "unbilled_lines": [line]}
    return contracts.unbilled_contract(), facts | {
        "billing_prices": [contracts.price("price_1", "1000")]
    }


@scene(("INV-MISS-01", None))
def missing_invoice(company, n):
    return samples.missing_invoice(), {}


def copied(rule: Rule) -> Scene:
    """The cases of a field that has a class."""
    code, cause = rule
    cases = [case for case in CASES if case.code == code and cause in {None, case.cause}]

    def drifted(company, n):
        case = cases[n % len(cases)]
        store, table = company.store, TABLES[case.place.object]
        made = {"createddate": LONG_AGO, "lastmodifieddate": LONG_AGO, "postingperiod": "2606"}
        if table == "transaction":
            kind = {"invoice": "CustInvc", "deposit": "Deposit"}[case.place.object]
            row = {"id": case.record_id, "type": kind, "status": "A", "entity": "77", **made}
            store.put_many("netsuite", table, [row])
        elif case.system == "salesforce":
            of_crm(company, table, case.record_id, Name="Acme")
        in_crm = case.system == "salesforce"
        column = case.place.name if in_crm else case.place.name.lower()
        held = {
            "Id" if in_crm else "id": case.record_id,
            column: FLAGS.get(case.held, case.held),
        }
        store.put(case.system, table, held, stamp=False)
        return case.finding(), case.facts()

    return drifted


SCENES.update(
    {rule: copied(rule) for rule in CEILINGS if rule[0] in COPIES and rule not in OTHERWISE}
)


@scene(("SUB-QTY-01", None))
def other_quantity(company, n):
    return terms.other_quantity(expected=str(11 + n)), {"billing_items": [terms.item()]}


@scene(("CON-TERM-01", None))
def other_end(company, n):
    if n % 2:
        facts = {"billing_ends": [over.running()], "signed_terms": [ends.signed()]}
        return ends.term("is_auto_renewed", "false"), facts
    plan = _planned(company, ends.phase(JUNE, JUNE + 300 * ends.DAY, quantity=n))
    facts = {"billing_schedules": [plan], "signed_terms": [ends.signed()]}
    return ends.term("end_date", "2027-06-30"), facts


def _planned(company: Vendors, *phases: dict[str, Any]) -> dict[str, Any]:
    """A schedule of these phases, the first of which runs; and as a night reads it."""
    span = {name: phases[0][name] for name in ("start_date", "end_date")}
    record = {"id": "sub_sched_1", "subscription": "sub_1", "customer": "cus_1", "created": JUNE}
    record |= {"status": "active", "current_phase": span, "end_behavior": "release"}
    company.store.put_many("stripe", "subscription_schedule", [record | {"phases": [*phases]}])
    company.store.put("stripe", "subscription", {"id": "sub_1", "schedule": "sub_sched_1"})
    return ends.plan_of(*phases, runs_since=JUNE)


@scene(("CON-DISC-01", None))
def other_discount(company, n):
    percent, former = ("15", "12.5", "0")[n % 3], [discounts.given("20")]
    coupons = [
        {"id": f"OFF-{each}", "duration": "forever", "valid": True, "percent_off": float(each)}
        for each in ("20", "15", "12.5")
    ]
    company.store.put_many("stripe", "coupon", [{**one, "created": JUNE} for one in coupons])
    first, second = items(company)
    give(company, {**first, "discounts": former}, second)
    facts = {"billing_items": [discounts.held(*former)], "billing_coupons": discounts.COUPONS}
    return discounts.other_discount(), facts | {"signed_lines": [discounts.line(percent)]}


@scene(("CON-AMT-01", None), ("PRD-BAS-01", None), ("CON-AMD-01", "signed"))
def other_price(company, n):
    quantity = 11 + n
    facts = {"billing_items": [prices.held()], "signed_lines": [prices.line(3000 * 10)]}
    facts["billing_prices"] = [
        contracts.price("price_1", "1000"),
        contracts.price("price_2", "3000"),
    ]
    if n % 3 == 2:
        facts["signed_lines"] = [prices.line(3000 * quantity, quantity)]
        return prices.amended(), facts
    code, cause = (("CON-AMT-01", None), ("PRD-BAS-01", "times_12"))[n % 3]
    return prices.other_price(code, cause=cause), facts


@scene(("CON-RAMP-01", None))
def other_step(company, n):
    company.store.put_many("stripe", "price", [stripe_sandbox.price("price_3", 700)])
    runs = steps.stepped(JUNE, JUNE + 300 * ends.DAY, "a01", 10)
    quantity = 12 + n
    signed = steps.step(end_date=date(2027, 3, 27), quantity=quantity, mrr_minor=1000 * quantity)
    facts = {"billing_schedules": [_planned(company, runs)], "signed_steps": [signed]}
    return steps.other_step("missing"), facts | {"billing_prices": steps.PRICES}


@scene(("INV-SCHD-01", "stale_draft"))
def stale_draft(company, n):
    draft = {**company.store.get("stripe", "invoice", "in_1"), "id": "in_5", "status": "draft"}
    company.store.put_many("stripe", "invoice", [draft | {"auto_advance": True}])
    return billing.stale_draft(), billing.drafts()


@scene(("USG-QTY-01", "not_billed"))
def unbilled_usage(company, n):
    stripe_sandbox.count(company.store, 1000, 200 + n, at=billing.USED["starts"])
    facts = billing.used(metered_quantity=1200 + n, rated_minor=11500 + 7 * n)
    return billing.unbilled_usage(expected=str(1200 + n)), facts


@scene(("USG-QTY-01", "billed_too_much"))
def overbilled_usage(company, n):
    stripe_sandbox.count(company.store, 1000 - n, at=billing.USED["starts"])
    counts = {"metered_quantity": 1000 - n, "rated_minor": 10000 - 7 * n}
    facts = billing.overused(**counts, invoice_status="open", payment_id=None)
    return billing.overbilled_usage(expected=str(1000 - n)), facts


@scene(("USG-RATE-01", "charged_too_little"))
def undercharged_usage(company, n):
    stripe_sandbox.count(company.store, 1200, at=billing.USED["starts"])
    amounts = {"rated_minor": 11500 + n, "billed_minor": 10001}
    return billing.charged_usage(**amounts), billing.charged(**amounts)


@scene(("USG-RATE-01", "charged_too_much"))
def overcharged_usage(company, n):
    stripe_sandbox.count(company.store, 1200, at=billing.USED["starts"])
    amounts = {"rated_minor": 11500 - n, "billed_minor": 12345}
    return billing.charged_usage(**amounts), billing.charged(**amounts)


def _two_invoices(company: Vendors) -> tuple[str, str]:
    first, second = (write(company, "invoice", f"in_{n}", invoice(f"UK-{n}")) for n in (2, 3))
    return first, second


@scene(("PAY-APPL-01", None))
def misapplied_payment(company, n):
    return _misapplied(company, n, "customerPayment", applications.misapplied_payment, payment)


@scene(("CRN-APPL-01", None))
def misapplied_memo(company, n):
    return _misapplied(company, n, "creditMemo", applications.misapplied_memo, memo)


def _misapplied(company, n, kind, finding, body):
    first, second = _two_invoices(company)
    moved = 1000 + n
    key = write(company, kind, "x_1", body(first) | {"apply": applied(first, "50.00")})
    parts = (
        applications.part(first, 5000, 5000 - moved, unpaid_minor=7000),
        applications.part(second, 0, moved, unpaid_minor=12000),
    )
    row = finding(replica_id=key)
    facts = applications.facts(*parts, document_id=key, object=kind, row_key=row["row_key"])
    for each in facts["erp_applications"]:
        each["document_id"] = key
    return row, facts


@scene(("PAY-AMT-01", "fee_netted"))
def netted(company, n):
    first, _ = _two_invoices(company)
    taken = 8550 + n
    key = write(company, "customerPayment", "ch_1", payment(first, f"{taken / 100:.2f}"))
    part = applications.part(first, taken, 9000, unpaid_minor=12000 - taken, document_id=key)
    facts = applications.netted_facts(part, document_id=key, available_minor=taken)
    return applications.netted_payment(key, impact_minor=taken - 9000), facts


@scene(("PYT-DEP-01", "not_deposited"))
def not_deposited(company, n):
    body = {name: value for name, value in payment("").items() if name != "apply"}
    key = write(company, "customerPayment", "ch_1", body)
    sent = {"id": "po_1", "status": "paid", "amount": 8550, "currency": "gbp", "created": CREATED}
    company.store.put("stripe", "payout", sent)
    total = look_up(company, "transaction", key)["foreigntotal"]
    return cash.missing_deposit(), cash.deposit_facts(cash.member(transaction_id=key, total=total))


@scene(("INV-AMT-01", None))
def other_lines(company, n):
    net = 100 * (1 + n)
    line = ("il_0", net, net // 5)
    key, facts = posted(company, line)
    return samples.other_total(key), facts


@scene(("PRD-PRC-01", None))
def other_list_price(company, n):
    company.store.put("stripe", "price", {"id": "price_1", "currency": "gbp"})
    of_crm(company, "PricebookEntry", "01u1", UnitPrice="53", IsActive=True)
    return billing.other_list_price(), billing.listed(unit_amount=f"{5000 + n}.00000000")


@scene(("JE-PER-01", None))
def other_month(company, n):
    key, _ = posted(company, *LINES)
    company.store.put("netsuite", "transaction", {"id": key, "postingperiod": "2607"})
    held = plan_facts.held_field(("netsuite", key), "posting", "period", "2607", period_id="2607")
    facts = posted_fields.held_in() | {"held_fields": [held, dated(company, key)]}
    return posted_fields.in_july() | {"owner_id": key}, facts


@scene(("PRD-GL-01", None))
def other_account(company, n):
    company.store.put("netsuite", "item", {"id": "201", "incomeaccount": "220"})
    return posted_fields.other_account(), posted_fields.item()


@scene(("JE-DUP-01", None))
def copied_journal(company, n):
    known = {"8884": post(company, "je_1"), "8885": post(company, "je_2")}
    facts = {
        frame: [
            row | {"journal_id": known[row["journal_id"]]}
            for row in plan_facts.FACTS[frame]
            if row["journal_id"] in known
        ]
        for frame in ("erp_journals", "erp_journal_lines")
    }
    for row in facts["erp_journals"]:
        row["copy_of"] = known["8884"] if row["journal_id"] == known["8885"] else None
    return samples.copied_journal(known["8885"]), facts


@scene(("REV-AMT-01", None))
def other_plan(company, n):
    sold = write(company, "invoice", "in_2", invoice())
    run = post(company, "run_06")
    (plan, *_) = company.store.rows("netsuite", "revenueplan", sourcetransaction=sold)
    line = company.store.rows("netsuite", "revenueplanline", revenueplan=plan["id"])[0]
    recognised = line | {"isrecognized": "T", "journal": run}
    company.store.put_many("netsuite", "revenueplanline", [recognised])
    of_plan = {"plan_id": plan["id"], "period": "2026-06"}
    month = MONTHS[0] | of_plan | {"document_id": sold, "policy_minor": 4001 + n}
    known = of_plan | {"line_id": line["id"], "run_id": run, "is_recognised": "T"}
    known["amount"] = look_up(company, "revenueplanline", line["id"])["amount"]
    facts = {"revenue_months": [month], "revenue_lines": [known]}
    return other_amount(replica_id=plan["id"]), facts


@scene(("CUS-MISS-01", "account_missing"))
def no_account(company, n):
    return _missing_customer(company, "CUS-MISS-01")


@scene(("CUS-MISS-02", None))
def no_erp_customer(company, n):
    return _missing_customer(company, "CUS-MISS-02")


def _missing_customer(company, code):
    customer = {"id": "cus_N", "created": CREATED, "metadata": {}, "name": "Acme Ltd"}
    company.store.put_many("stripe", "customer", [customer])
    return samples.missing_customer(code), {}


@scene(
    ("CON-MISS-02", "no_contract"),
    ("CON-AMD-02", None),
    ("CON-REN-01", "renewed_in_billing_only"),
)
def unpapered(company, n):
    sold = {"id": "sub_N", "status": "active", "created": CREATED, "customer": "cus_1"}
    company.store.put_many("stripe", "subscription", [sold | {"items": {"data": []}}])
    facts = {"unpapered": [r | {"account_id": ACCOUNT} for r in plan_facts.FACTS["unpapered"]]}
    return (samples.unpapered_change() if n % 2 else samples.unpapered()), facts


@scene(("CON-COT-01", "ends_before"), ("CON-COT-01", "ends_after"))
def co_terms(company, n):
    line = contracts.co_term(end_date=date(2027, 5, 1 + n % 29).isoformat())
    of_crm(company, "Contract", line["contract_id"], EndDate="2027-05-30")
    fields = {"Contract__c": line["contract_id"], "End_Date__c": line["end_date"]}
    of_crm(company, "Contract_Line__c", line["line_id"], Co_Termed__c=True, **fields)
    cause = ("ends_before", "ends_after")[n % 2]
    return contracts.other_end(cause=cause), {"co_terms": [line]}


@scene(("CON-COT-01", "another_subscription"))
def billed_apart(company, n):
    own, alone = items(company)[0], contracts.billing_item("si_9", contracts.PAID_UNTIL)
    alone["quantity"] = 1 + n
    apart = stripe_sandbox.subscription([], id="sub_2", items={"data": [alone]})
    company.store.put_many("stripe", "subscription", [apart])
    held = {"items": json.dumps([alone]), "contract_items": json.dumps([own])}
    return contracts.billed_apart(), {"add_ons": [contracts.add_on(**held)]}


@scene(("CON-AMD-01", "unsigned"))
def unsigned_edit(company, n):
    line = plan_facts.FACTS["unsigned_edits"][0]["line_id"]
    fields = {"Quantity__c": "10", "Unit_Price__c": f"{10 + n}.59", "Effective_At__c": LONG_AGO}
    of_crm(company, "Contract_Line__c", line, **fields)
    return samples.unsigned_edit(), plan_facts.changed(
        "unsigned_edits", unit_price_now=f"{10 + n}.59"
    )
