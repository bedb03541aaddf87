"""Documents in the ERP over the wire: what it takes, what it refuses, and a lost answer."""

import asyncio
from collections import defaultdict
from decimal import Decimal

import pytest

from extractors.errors import Rejected
from extractors.protocol import WriteIntent
from extractors.registry import open_target
from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import compensate
from reconcilers.corrections.dispatch import dispatch
from reconcilers.state.views import list_corrections
from tests.correction_samples import plan_into
from tests.drift_samples import copied_journal, drift, missing_note, missing_payment
from tests.plan_facts import FACTS, context
from tests.wire.vendors import LONG_AGO

LINES = [
    {"account": {"id": "210"}, "debit": "120.00", "memo": "June"},
    {"account": {"id": "400"}, "credit": "120.00"},
]


def journal(**changed):
    whole = {
        "subsidiary": {"id": "2"},
        "currency": {"id": "2"},
        "exchangeRate": "1",
        "tranDate": "2026-06-01",
        "postingPeriod": {"id": "2606"},
        "memo": "tieout:cor_1",
        "custbody_q2c_correlation_id": "q2c_1",
        "line": {"items": LINES},
        **changed,
    }
    return {name: value for name, value in whole.items() if value is not None}


def put(kind, external_id, body):
    return WriteIntent("upsert", kind, external_id, body, "key-1", "q2c_1")


def post(company, external_id="je_1", **changed):
    intent = put("journalEntry", external_id, journal(**changed))
    return company.with_target("netsuite", lambda target: target.write(intent)).record_id


def sides(*amounts, **first):
    """Lines on deferred revenue and income; `first` changes the first of them."""
    made = [
        {"account": line["account"], ("debit" if "debit" in line else "credit"): amount}
        for line, amount in zip(LINES, amounts, strict=True)
    ]
    return {"line": {"items": [made[0] | first, *made[1:]]}}


def by_account(company, *documents):
    """What documents leave in the books, by account, as the night reads it."""
    company.extract("netsuite", "transaction")
    company.extract("netsuite", "transaction_accounting_line")
    sums = defaultdict(Decimal)
    for row in company.current("netsuite", "transaction_accounting_line"):
        if not documents or row["transaction"] in documents:
            sums[row["account"]] += Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)
    return {account: left for account, left in sums.items() if left}


def test_a_journal_is_read_back_as_it_was_posted(company):
    made = post(company)
    assert by_account(company, made) == {"210": Decimal(120), "400": Decimal(-120)}
    found = company.with_target("netsuite", lambda target: target.find("journalEntry", "je_1"))
    assert (found["id"], found["type"], found["memo"]) == (made, "Journal", "tieout:cor_1")
    whole = company.with_target("netsuite", lambda target: target.read("journalEntry", made))
    assert whole["line"]["items"] == [
        {"line": "0", "account": {"id": "210"}, "debit": "120.0", "memo": "June"},
        {"line": "1", "account": {"id": "400"}, "credit": "120.0", "memo": None},
    ]


def test_a_journal_that_is_sent_again_stands_once(company):
    assert post(company) == post(company, **sides("60.00", "60.00"))
    assert by_account(company) == {"210": Decimal(60), "400": Decimal(-60)}


def test_a_journal_in_another_currency_balances_in_the_books(company):
    body = sides("0.30", "0.31")["line"]["items"]
    made = post(
        company,
        currency={"id": "3"},
        exchangeRate="0.85",
        line={"items": [*body, {"account": {"id": "401"}, "debit": "0.01"}]},
    )
    left = by_account(company, made)
    assert sum(left.values()) == 0
    assert left["799"] == Decimal("-0.01")  # 0.26 and 0.01 against 0.26: the ERP's rounding line


def test_one_that_is_not_approved_posts_nothing(company):
    post(company, approved=False)
    (row,) = company.store.rows("netsuite", "transaction", type="Journal")
    lines = company.store.rows("netsuite", "transactionaccountingline", transaction=row["id"])
    assert {row["posting"], *(line["posting"] for line in lines)} == {"F"}


REFUSED = {
    "unbalanced": (sides("120.00", "119.99"), "must balance", "line"),
    "nothing": ({"line": {"items": []}}, "must balance", "line"),
    "no lines": ({"line": None}, "sublist", "line"),
    "two sides": (sides("1.00", "1.00", credit="1.00"), "a debit or a credit", "line.items[0]"),
    "negative": (sides("-1.00", "-1.00"), "Not an amount", "line.items[0].debit"),
    "too fine": (sides("1.001", "1.001"), "Not an amount", "line.items[0].debit"),
    "no account": (sides("1.00", "1.00", account={"id": "1"}), "Invalid reference", "account"),
    "inactive": (sides("1.00", "1.00", account={"id": "600"}), "cannot post", "account"),
    "statistical": (sides("1.00", "1.00", account={"id": "900"}), "cannot post", "account"),
    "receivable": (sides("1.00", "1.00", account={"id": "110"}), "Invalid reference", "entity"),
    "period closed": ({"postingPeriod": {"id": "2604"}}, "closed or locked", "postingPeriod"),
    "period locked": ({"postingPeriod": {"id": "2605"}}, "closed or locked", "postingPeriod"),
    "no period": ({"postingPeriod": {"id": "9"}}, "Invalid reference", "postingPeriod"),
    "day closed": ({"postingPeriod": None, "tranDate": "2026-04-30"}, "closed", "postingPeriod"),
    "no subsidiary": ({"subsidiary": {"id": "9"}}, "Invalid reference", "subsidiary"),
    "no currency": ({"currency": None}, "Invalid reference", "currency"),
    "unknown field": ({"reversalOf": "1"}, "Unknown field", "reversalOf"),
    "no department": (
        sides("1.00", "1.00", department={"id": "x"}),
        "Invalid reference",
        "department",
    ),
    "unknown of a line": (sides("1.00", "1.00", amount="1"), "Unknown field", "line.items[0]"),
    "other external id": ({"externalId": "je_9"}, "differs", "externalId"),
}


def test_what_the_books_would_not_take_is_refused_with_its_place(company):
    company.store.put("netsuite", "account", {"id": "600", "isinactive": "T"})
    company.store.put("netsuite", "accountingperiod", {"id": "2604", "closed": "T"})
    company.store.put("netsuite", "accountingperiod", {"id": "2605", "arlocked": "T"})

    async def use(target):
        told = {}
        for name, (changed, *_) in REFUSED.items():
            with pytest.raises(Rejected) as refusal:
                await target.write(put("journalEntry", "je_1", journal(**changed)))
            told[name] = str(refusal.value)
        return told

    told = company.with_target("netsuite", use)
    for name, (_, words, place) in REFUSED.items():
        assert words in told[name], name
        assert place in told[name], name
    assert company.store.rows("netsuite", "transaction", type="Journal") == []


def test_an_external_id_is_created_once(company):
    post(company)
    create = WriteIntent("create", "journalEntry", "", journal(externalId="je_1"), "key-2", "q2c_1")
    with pytest.raises(Rejected, match="already exists"):
        company.with_target("netsuite", lambda target: target.write(create))


def invoice(number="UK-2", **changed):
    """Two lines of UK, 70.00 and 30.00, with 20 % tax, for June to August."""
    nets = (("70.00", "14.00"), ("30.00", "6.00"))
    return {
        "entity": {"id": "501"},
        "subsidiary": {"id": "2"},
        "currency": {"id": "2"},
        "exchangeRate": "1",
        "tranId": number,
        "tranDate": "2026-06-01",
        "postingPeriod": {"id": "2606"},
        "taxDetailsOverride": True,
        "item": {
            "items": [
                {
                    "item": {"id": "201"},
                    "quantity": 3,
                    "amount": net,
                    "custcol_stripe_line_id": f"il_{n}",
                    "custcol_rev_start": "2026-06-01",
                    "custcol_rev_end": "2026-08-31",
                    "taxDetailsReference": f"L{n}",
                }
                for n, (net, _) in enumerate(nets, 8)
            ]
        },
        "taxDetails": {
            "items": [
                {
                    "taxDetailsReference": f"L{n}",
                    "taxCode": {"id": "2"},
                    "taxBasis": net,
                    "taxRate": "20",
                    "taxAmount": tax,
                }
                for n, (net, tax) in enumerate(nets, 8)
            ]
        },
        **changed,
    }


@pytest.fixture
def sold(company):
    """The company with one open invoice; gives its internal id too."""
    customer = {"id": "501", "companyname": "Acme", "subsidiary": "2", "currency": "2"}
    stamps = {"datecreated": LONG_AGO, "lastmodifieddate": LONG_AGO, "isinactive": "F"}
    company.store.put_many("netsuite", "customer", [{**customer, **stamps}])
    intent = put("invoice", "in_2", invoice())
    made = company.with_target("netsuite", lambda target: target.write(intent)).record_id
    return company, made


def applied(key, amount):
    return {"items": [{"doc": {"id": key}, "apply": True, "amount": amount}]}


def memo(key, **changed):
    whole = invoice("UK-2-CN", custbody_stripe_credit_note_id="cn_1", apply=applied(key, "120.00"))
    return {**whole, **changed}


def payment(key, amount="90.00", **changed):
    return {
        "customer": {"id": "501"},
        "currency": {"id": "2"},
        "payment": amount,
        "tranDate": "2026-06-01",
        "postingPeriod": {"id": "2606"},
        "undepFunds": True,
        "custbody_stripe_charge_id": "ch_1",
        "apply": applied(key, amount),
        **changed,
    }


def unpaid(company, key):
    return Decimal(company.store.get("netsuite", "transaction", key)["foreignamountunpaid"])


def test_a_memo_is_applied_and_takes_back_what_is_not_earned_yet(sold):
    company, key = sold
    intent = put("creditMemo", "cn_1", memo(key))
    made = company.with_target("netsuite", lambda target: target.write(intent)).record_id
    assert by_account(company, key, made) == {}
    row = company.store.get("netsuite", "transaction", made)
    assert (row["type"], Decimal(row["foreigntotal"]), row["status"]) == ("CustCred", -120, "B")
    plans = company.store.rows("netsuite", "revenueplan", sourcetransaction=made)
    assert sorted(Decimal(plan["amount"]) for plan in plans) == [-70, -30]
    assert unpaid(company, key) == 0


def test_a_memo_over_lines_without_a_name_takes_them_from_the_invoice_it_is_applied_to(sold):
    company, key = sold
    body = memo(key)
    items = [
        {name: value for name, value in line.items() if name != "custcol_stripe_line_id"}
        for line in body["item"]["items"]
    ]
    intent = put("creditMemo", f"credit_{key}", {**body, "item": {"items": items}})
    made = company.with_target("netsuite", lambda target: target.write(intent)).record_id
    plans = company.store.rows("netsuite", "revenueplan", sourcetransaction=made)
    assert sorted(Decimal(plan["amount"]) for plan in plans) == [-70, -30]
    assert by_account(company, key, made) == {}


def test_a_memo_or_a_payment_that_is_sent_again_settles_once(sold):
    company, key = sold
    for kind, name, body in (
        ("creditMemo", "cn_1", memo(key, apply=applied(key, "20.00"))),
        ("customerPayment", "ch_1", payment(key)),
    ):
        intent = put(kind, name, body)
        first, second = (
            company.with_target("netsuite", lambda target, it=intent: target.write(it)).record_id
            for _ in range(2)
        )
        assert first == second
    assert unpaid(company, key) == 10
    assert sum(by_account(company).values()) == 0


REFUSED_SETTLING = {
    "more than is left": ("customerPayment", {"payment": "121", "apply": ("120.01",)}, "is left"),
    "more than its total": ("customerPayment", {"apply": ("91.00",)}, "than the total"),
    "nothing applied": ("customerPayment", {"apply": ("0",)}, "is left"),
    "no account": ("customerPayment", {"undepFunds": False}, "deposit to"),
    "no customer": ("customerPayment", {"customer": {"id": "9"}}, "Invalid reference"),
    "another customer": ("customerPayment", {"customer": {"id": "71"}}, "cannot be applied"),
    "another currency": ("customerPayment", {"currency": {"id": "3"}}, "cannot be applied"),
    "unknown field": ("customerPayment", {"account": {"id": "101"}}, "Unknown field"),
    "payment into a closed period": (
        "customerPayment",
        {"postingPeriod": {"id": "2604"}},
        "closed or locked",
    ),
    "memo into a closed period": (
        "creditMemo",
        {"postingPeriod": {"id": "2604"}},
        "closed or locked",
    ),
    "memo without tax": ("creditMemo", {"taxDetails": {"items": []}}, "Tax details are missing"),
    "memo without lines": ("creditMemo", {"item": {"items": []}}, "at least one line"),
    "memo over more": ("creditMemo", {"apply": ("120.01",)}, "is left"),
    "memo of a due date": ("creditMemo", {"dueDate": "2026-07-01"}, "Unknown field"),
}


def test_what_settles_nothing_is_refused(sold):
    company, key = sold
    company.store.put("netsuite", "accountingperiod", {"id": "2604", "closed": "T"})

    async def use(target):
        told = {}
        for name, (kind, changed, _) in REFUSED_SETTLING.items():
            body = memo(key) if kind == "creditMemo" else payment(key)
            changes = {
                field: applied(key, value[0]) if field == "apply" else value
                for field, value in changed.items()
            }
            with pytest.raises(Rejected) as refusal:
                await target.write(put(kind, "x_1", {**body, **changes}))
            told[name] = str(refusal.value)
        return told

    told = company.with_target("netsuite", use)
    for name, (*_, words) in REFUSED_SETTLING.items():
        assert words in told[name], name
    assert unpaid(company, key) == 120


def plan_and_approve(state, company, row, **facts):
    plan_into(state, drift(row), context(**facts), company.store.now())
    agree(state, company)


def agree(state, company):
    for actor in ("ann", "eve"):
        waiting = [v.correction_id for v in list_corrections(state, states=("proposed",))]
        approve(state, waiting, actor, "", company.store.now())


def send(state, company):
    async def run():
        async with (
            open_target(company.config("netsuite")) as erp,
            open_target(company.config("stripe")) as billing,
        ):
            return await dispatch(state, {"netsuite": erp, "stripe": billing}, company.store.now)

    return asyncio.run(run()).outcomes


def undo(state, company):
    taken = [view.correction_id for view in list_corrections(state, states=("accepted",))]
    compensate(state, taken, "ben", "wrong", company.store.now())
    agree(state, company)


def test_a_copy_is_reversed_once_although_the_answer_was_lost_and_back_again(company, state):
    first, second = post(company, "je_1"), post(company, "je_2")
    known = dict(zip(("8884", "8885"), (first, second), strict=True))
    facts = {
        frame: [row | {"journal_id": known[row["journal_id"]]} for row in FACTS[frame] if row["journal_id"] in known]
        for frame in ("erp_journals", "erp_journal_lines")
    }  # fmt: skip
    for row in facts["erp_journals"]:
        row["copy_of"] = first if row["journal_id"] == second else None
    plan_and_approve(state, company, copied_journal(second), **facts)
    company.fault("netsuite", method="PUT", lose_answer=True)
    assert send(state, company) == {"accepted": 1, "unknown": 1}
    (made,) = company.store.rows("netsuite", "transaction", externalid=f"reversal_{second}")
    assert by_account(company, second, made["id"]) == {}
    assert by_account(company) == {"210": Decimal(120), "400": Decimal(-120)}
    undo(state, company)
    assert send(state, company) == {"accepted": 1}
    company.next_night()
    assert by_account(company) == {"210": Decimal(240), "400": Decimal(-240)}
    undone = company.store.rows("netsuite", "transaction", externalid=f"reversal_{made['id']}")
    assert by_account(company, made["id"], undone[0]["id"]) == {}


def as_open(company, key):
    """The facts of the samples, of the invoice as the ERP has it now."""
    (row,) = FACTS["erp_invoices"]
    left = company.with_target("netsuite", lambda target: target.lookup("transaction", id=key))
    return {
        "erp_invoices": [row | {"transaction_id": key, "unpaid": left[0]["foreignamountunpaid"]}]
    }


@pytest.mark.parametrize(
    ("row", "records", "left"),
    [
        (missing_note(), ("credit_note", {"id": "cn_1", "status": "issued", "total": 3000}), 90),
        (missing_payment(), ("charge", {"id": "ch_1", "status": "succeeded", "amount": 9000}), 30),
    ],
    ids=["memo", "payment"],
)
def test_what_settles_is_posted_once_although_the_answer_was_lost(sold, state, row, records, left):
    company, key = sold
    kind, record = records
    created = {"created": int(LONG_AGO.timestamp()), "currency": "gbp"}
    company.store.put("stripe", kind, {**record, **created})
    plan_and_approve(state, company, row, **as_open(company, key))
    company.fault("netsuite", method="PUT", lose_answer=True)
    assert send(state, company) == {"accepted": 1, "unknown": 1}
    assert unpaid(company, key) == left
    (made,) = company.store.rows("netsuite", "transaction", externalid=row["owner_id"])
    books = by_account(company)
    assert sum(books.values()) == 0
    assert books["110"] == left
    assert send(state, company) == {}
    assert made["memo"].startswith("tieout:cor_")
