"""A company of one customer, written by hand, built in the two halves of a night.

It agrees in all systems but for planted drift, which must show in the comparisons and fail no test.
"""

import datetime as dt
import json

import duckdb
import pytest

from orchestration.assets.models import BEFORE_IDENTITY, GRAINS_OF_MODELS
from reconcilers.tieout_entities import ENTITY_SUMS, entity_lines

pytestmark = pytest.mark.slow

WATERMARK = "2026-07-01 02:00:00"
MAY_31_IN_NEW_YORK = int(dt.datetime(2026, 6, 1, 3, tzinfo=dt.UTC).timestamp())
JUNE_30 = int(dt.datetime(2026, 6, 30, 23, tzinfo=dt.UTC).timestamp())
CREATED = int(dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC).timestamp())
LONG_AGO = "2026-01-01T12:00:00.000+0000"
STAMPS = {"createddate": LONG_AGO, "lastmodifieddate": LONG_AGO, "systemmodstamp": LONG_AGO}


def invoice(name: str, finalized_at: int) -> dict[str, object]:
    line = {
        "id": f"il_{name}",
        "amount": 12500,
        "quantity": 25,
        "discount_amounts": [{"amount": 500}],
    }
    line |= {"period": {"start": finalized_at, "end": finalized_at + 30 * 86400}, "taxes": []}
    line["pricing"] = {"price_details": {"price": "price_1", "product": "prod_1"}}
    return {
        "id": name,
        "number": name.upper(),
        "customer": "cus_1",
        "currency": "usd",
        "status": "paid",
        "status_transitions_finalized_at": finalized_at,
        "status_transitions_paid_at": finalized_at,
        "subtotal": 12500,
        "total": 12000,
        "amount_due": 12000,
        "amount_paid": 12000,
        "amount_remaining": 0,
        "total_taxes": "[]",
        "total_discount_amounts": '[{"amount":500}]',
        "lines": json.dumps([line]),
        "parent_subscription_details_subscription": "sub_1",
        "metadata_legal_entity": "US",
        "metadata_q2c_correlation_id": "q2c_006",
        "created": finalized_at,
    }


def erp_transaction(number: str, kind: str, **columns: str) -> dict[str, str]:
    return {
        "id": number,
        "tranid": f"T{number}",
        "type": kind,
        "entity": "7",
        "trandate": "2026-05-31",
        "postingperiod": "2605",
        "currency": "1",
        "exchangerate": "1",
        "foreigntotal": "120.00",
        "foreignamountunpaid": "0",
        "status": "B",
        "voided": "F",
        "posting": "T",
        "customform": "subscription",
        "createddate": "2026-06-01 04:00:00",
        "lastmodifieddate": "2026-06-01 04:00:00",
        "custbody_status_changed_at": "2026-06-01 04:00:00",
        **columns,
    }


def ledger(number: str, debit: str, credit: str) -> list[dict[str, str]]:
    common = {"transaction": number, "accountingbook": "1", "posting": "T"}
    return [
        {**common, "transactionline": "0", "account": "110", "amount": debit, "debit": debit},
        {
            **common,
            "transactionline": "1",
            "account": "400",
            "amount": f"-{credit}",
            "credit": credit,
        },
    ]


def lines(number: str, amount: str) -> list[dict[str, str]]:
    common = {"transaction": number, "taxline": "F", "subsidiary": "1"}
    return [
        {**common, "id": "0", "mainline": "T", "foreignamount": amount},
        {
            **common,
            "id": "1",
            "mainline": "F",
            "item": "201",
            "quantity": "25",
            "foreignamount": f"-{amount}",
        },
    ]


RAW = {
    "salesforce__account": [
        {"id": "001", "name": "Acme, Inc.", "website": "acme.example", "payment_terms__c": "Net 30",
         "billingcountrycode": "US", "currencyisocode": "USD", "stripe_customer_id__c": "cus_1", **STAMPS},
    ],
    "salesforce__product2": [{"id": "01t", "productcode": "SKU", "name": "Seat", "isactive": True, **STAMPS}],
    "salesforce__opportunity": [
        {"id": "006", "accountid": "001", "iswon": True, "closedate": "2026-01-01", **STAMPS},
    ],
    "salesforce__contract": [
        {"id": "800", "accountid": "001", "opportunity__c": "006", "status": "Activated",
         "startdate": "2026-01-01", "enddate": "2026-12-31", "activateddate": LONG_AGO,
         "legal_entity__c": "US", "currencyisocode": "USD", **STAMPS},
    ],
    "salesforce__contract_line": [
        {"id": "a00", "contract__c": "800", "product__c": "01t", "quantity__c": "25", "unit_price__c": "60",
         "price_period__c": "Year", "discount_percent__c": "4", "start_date__c": "2026-01-01",
         "end_date__c": "2026-12-31", "effective_at__c": LONG_AGO, "currencyisocode": "USD", **STAMPS},
    ],
    "stripe__customer": [
        {"id": "cus_1", "name": "ACME INC", "email": "ap@acme.example", "currency": "usd",
         "metadata_channel": "sales_led", "metadata_legal_entity": "US", "created": CREATED},
    ],
    "stripe__product": [{"id": "prod_1", "metadata_sku": "SKU", "active": True, "created": CREATED}],
    "stripe__subscription": [
        {"id": "sub_1", "customer": "cus_1", "status": "active", "currency": "usd", "start_date": CREATED,
         "metadata_crm_contract_id": "800", "metadata_channel": "sales_led", "created": CREATED,
         "items": json.dumps([{
             "id": "si_1", "quantity": 24, "created": CREATED, "metadata": {},
             "discounts": [{"source": {"coupon": {"percent_off": 4}}}],
             "price": {"id": "price_1", "product": "prod_1", "currency": "usd", "unit_amount": 500,
                       "recurring": {"interval": "month", "interval_count": 1}},
         }])},
    ],
    "stripe__invoice": [invoice("in_1", MAY_31_IN_NEW_YORK), invoice("in_2", MAY_31_IN_NEW_YORK), invoice("in_3", JUNE_30)],
    "stripe__charge": [
        {"id": "ch_1", "amount": 12000, "amount_refunded": 0, "currency": "usd", "customer": "cus_1",
         "status": "succeeded", "created": MAY_31_IN_NEW_YORK},
    ],
    "netsuite__customer": [
        {"id": "7", "companyname": "Acme Inc", "subsidiary": "1", "currency": "1", "terms": "3", "isinactive": "F",
         "custentity_stripe_id": "cus_1", "datecreated": "2026-01-01 12:00:00", "lastmodifieddate": "2026-01-01 12:00:00"},
    ],
    "netsuite__term": [{"id": "3", "name": "Net 30", "daysuntilnetdue": "30"}],
    "netsuite__subsidiary": [{"id": "1", "currency": "1", "custrecord_entity_code": "US"}],
    "netsuite__currency": [{"id": "1", "symbol": "USD", "currencyprecision": "2"}],
    "netsuite__item": [{"id": "201", "itemid": "SKU", "isinactive": "F", "lastmodifieddate": "2026-01-01 12:00:00"}],
    "netsuite__accounting_period": [
        {"id": "2605", "periodname": "May 2026", "startdate": "2026-05-01", "enddate": "2026-05-31"},
    ],
    "netsuite__transaction": [
        erp_transaction("101", "CustInvc", custbody_stripe_invoice_id="in_1"),
        erp_transaction("102", "CustInvc", externalid="in_gone"),
        erp_transaction("103", "CustInvc", externalid="in_1"),
        erp_transaction("104", "CustPymt", custbody_stripe_charge_id="ch_1"),
        erp_transaction("105", "Journal", entity="", customform=""),
    ],
    "netsuite__transaction_line": [
        row for number in ("101", "102", "103", "104", "105") for row in lines(number, "120.00")
    ],
    "netsuite__transaction_accounting_line": [
        *(row for number in ("101", "102", "103", "104") for row in ledger(number, "120.00", "120.00")),
        *ledger("105", "120.00", "119.97"),
        # a line whose transaction is gone
        *ledger("999", "1.00", "2.00"),
    ],
}  # fmt: skip

CANONICAL_KEYS = {
    "customers": "canonical_customer_id",
    "products": "product_code",
    "contracts": "contract_id",
    "contract_lines": "contract_line_id",
    "subscriptions": "subscription_id",
    "invoices": "invoice_key",
    "payments": "payment_key",
}
TEXT = "select {key}, columns(* exclude ({key}))::varchar from canonical.{table}"
# One unit fewer is billed than the signed paper says; the ERP numbers its copies by itself.
LOST = [
    ("contract", "billing_frequency", "billing", "sub_1", "monthly", "no_stand_in"),
    ("contract", "recurring_mrr", "billing", "sub_1", "11520", "not_the_paper"),
    ("invoice", "number", "erp", "101", "T101", "differs_from_issued"),
    ("invoice", "number", "erp", "103", "T103", "differs_from_issued"),
]

TRACE_KEYS = {
    "trace_nodes": "node_key",
    "trace_edges": "from_key, to_key",
    "trace_aliases": "alias, node_key",
}


@pytest.fixture(scope="module")
def night(new_warehouse):
    """The warehouse after both halves, and what dbt said to each."""
    warehouse = new_warehouse("company")
    for table, rows in RAW.items():
        warehouse.insert(f"raw.{table}", rows)
        system, name = table.split("__")
        snapshot = {"system": system, "object": name, "snapshot_date": dt.date(2026, 6, 30)}
        counts = {"source_count": len(rows), "landed_count": len(rows), "quarantined_count": 0}
        warehouse.insert("raw.snapshots", [{**snapshot, "watermark_at": WATERMARK, **counts}])
    nightly = ("--exclude-resource-type", "unit_test", "--vars", "{snapshot_date: 2026-06-30}")
    first = warehouse.dbt(
        "build", "--select", BEFORE_IDENTITY, "--exclude", GRAINS_OF_MODELS, *nightly
    )
    assert first.returncode == 0, first.stdout
    records = [("salesforce", "001"), ("stripe", "cus_1"), ("netsuite", "7")]
    warehouse.write_crosswalk({"cus_acme": records})
    second = warehouse.dbt("build", "--exclude", BEFORE_IDENTITY, GRAINS_OF_MODELS, *nightly)
    return warehouse, first, second


def test_planted_drift_fails_no_test(night):
    _, first, second = night
    assert second.returncode == 0, second.stdout
    for outcome in (first, second):
        assert "WARN=0 ERROR=0 SKIP=0" in outcome.stdout
        assert outcome.stderr == ""


def test_totals_are_tied_in_the_second_half(night):
    """Tests that span both halves are held back from the first, not lost."""
    _, first, second = night
    assert "erp_invoices_are_complete" not in first.stdout
    for name in ("erp_invoices_are_complete", "every_customer_record_is_identified"):
        assert name in second.stdout


def test_invoices_show_the_missing_the_doubled_and_the_unsourced(night):
    warehouse, _, _ = night
    found = warehouse.rows(
        "select row_key, has_billing, has_erp, is_erp_duplicate, erp_coverage_seconds >= 6 * 3600 as due "
        "from comparison.cmp_invoice__billing_vs_erp where excluded_reason is null order by row_key"
    )
    assert [tuple(row.values()) for row in found] == [
        ("netsuite:102", False, True, False, None),
        ("netsuite:103", False, True, True, None),
        ("stripe:in_1", True, True, False, True),
        ("stripe:in_2", True, False, False, True),
        ("stripe:in_3", True, False, False, False),
    ]


def test_both_sides_of_a_pair_agree_on_money_date_and_state(night):
    warehouse, _, _ = night
    [pair] = warehouse.rows(
        "select * from comparison.cmp_invoice__billing_vs_erp where row_key = 'stripe:in_1'"
    )
    for attribute in (
        "total_minor",
        "subtotal_minor",
        "tax_minor",
        "amount_due_minor",
        "status",
        "invoice_date",
        "period",
    ):
        assert pair[f"billing_{attribute}"] == pair[f"erp_{attribute}"], attribute
    assert pair["billing_invoice_date"] == dt.date(2026, 5, 31)
    assert pair["canonical_id"] == "cus_acme"


def test_a_yearly_price_equals_its_twelfth_and_a_missing_unit_shows(night):
    warehouse, _, _ = night
    [line] = warehouse.rows("select * from comparison.cmp_contract_line__crm_vs_billing")
    assert line["crm_mrr_at_contract_quantity_minor"] == 12000
    assert line["billing_mrr_at_contract_quantity_minor"] == 12000
    assert (line["crm_quantity"], line["billing_quantity"]) == (25, 24)


def test_an_unbalanced_journal_is_shown_with_its_residual(night):
    warehouse, _, _ = night
    found = warehouse.rows(
        "select erp_id, difference_minor from comparison.cmp_journal_entry__within_erp "
        "where difference_minor <> 0"
    )
    assert found == [{"erp_id": "105", "difference_minor": 3}]


def test_customers_and_payments_of_the_company_are_whole(night):
    warehouse, _, _ = night
    for view in (
        "cmp_customer__crm_vs_billing",
        "cmp_customer__billing_vs_erp",
        "cmp_payment__billing_vs_erp",
    ):
        [row] = warehouse.rows(f"select * from comparison.{view}")
        assert row["excluded_reason"] is None, view
        assert all(value for name, value in row.items() if name.startswith("has_")), view


def test_every_entity_is_tied_from_staging_to_canonical_whatever_drifts(night):
    warehouse, _, _ = night
    with duckdb.connect(str(warehouse.path)) as con:
        con.execute("begin")
        for scope in {each.object for each in ENTITY_SUMS}:
            system, name = scope.split(".")
            con.execute("insert into raw.snapshots (system, object) values (?, ?)", [system, name])
        lines = list(entity_lines(con, ENTITY_SUMS))
        con.execute("rollback")
    assert [line["scope"] for line in lines if not line["holds"]] == []
    tied = {line["scope"]: line for line in lines if line["currency"] == "USD"}
    assert tied["stripe.invoice/invoice"]["left_minor"] > 0
    assert tied["netsuite.transaction/invoice"]["explained_minor"] > 0


def test_a_build_for_another_day_is_refused(night):
    warehouse, _, _ = night
    outcome = warehouse.dbt(
        "test",
        *("--select", "the_warehouse_is_built_for_the_day_asked"),
        *("--vars", "{snapshot_date: 2026-07-01}"),
    )
    assert outcome.returncode == 1
    assert "FAIL 1 the_warehouse_is_built_for_the_day_asked" in outcome.stdout


def test_golden_values_equal_the_canonical_columns_that_they_explain(night):
    """Whatever the matrix chooses is what canonical shows: they are two views of one choice."""
    warehouse, _, _ = night
    for table, key in CANONICAL_KEYS.items():
        entity = table.removesuffix("s")
        chosen = warehouse.rows(
            f"select * from canonical.golden_values where entity = '{entity}' "
            f"and not ('{entity}' = 'invoice' and attribute = 'posting_period')"
        )
        shown = {row[key]: row for row in warehouse.rows(TEXT.format(table=table, key=key))}
        for row in chosen:
            canonical = shown[row["canonical_id"]]
            attribute = row["attribute"]
            column = attribute if attribute in canonical else f"{attribute}_minor"
            if not attribute.endswith("_ref"):
                assert row["golden_value"] == canonical[column], (entity, attribute)
        assert chosen, table


def test_a_value_that_lost_is_shown_with_its_source(night):
    warehouse, _, _ = night
    lost = warehouse.rows(
        "select entity, attribute, role, source_id, value, lost_because from canonical.attribute_values "
        "where not is_golden and lost_because <> 'same_value' order by all"
    )
    assert [tuple(row.values()) for row in lost] == LOST


def test_no_candidate_stands_twice_and_every_one_is_named_by_the_matrix(night):
    warehouse, _, _ = night
    key = "entity, canonical_id, attribute, role, source_id"
    assert warehouse.rows(
        f"select {key} from canonical.attribute_values group by all having count(*) > 1"
    ) == []  # fmt: skip
    assert warehouse.rows(
        "select entity, attribute, role from canonical.attribute_values "
        "where not exists (from seeds.system_of_record as matrix "
        "where matrix.entity = attribute_values.entity and matrix.attribute = attribute_values.attribute "
        "and attribute_values.role in (matrix.owner, matrix.replica))"
    ) == []  # fmt: skip


def test_every_column_of_every_table_is_declared(night):
    """The descriptions are of the columns that there are: none is missing and none too many."""
    warehouse, _, _ = night
    built = {
        (row["table_schema"], row["table_name"]): set(row["columns"])
        for row in warehouse.rows(
            "select table_schema, table_name, list(column_name) as columns "
            "from information_schema.columns group by all"
        )
    }
    for node in warehouse.manifest()["nodes"].values():
        place = (node["schema"], node.get("alias"))
        if node["resource_type"] in {"model", "seed"} and place in built:
            assert set(node["columns"]) == built[place], place


def test_records_and_ways_of_threads_stand_once_and_no_way_leads_nowhere(night):
    warehouse, _, _ = night
    for table, key in TRACE_KEYS.items():
        assert warehouse.rows(f"select 1 from trace.{table} limit 1"), table
        twice = f"select {key} from trace.{table} group by all having count(*) > 1"
        assert warehouse.rows(twice) == [], table
    for end in ("trace_edges.from_key", "trace_edges.to_key", "trace_aliases.node_key"):
        table = end.partition(".")[0]
        assert warehouse.rows(
            f"select {end} from trace.{table} anti join trace.trace_nodes on {end} = trace_nodes.node_key"
        ) == [], end  # fmt: skip
