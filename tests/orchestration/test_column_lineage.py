"""Which columns of its parents a column is made of, from compiled SQL."""

import json

from orchestration.column_lineage import KEPT, Column, column_lineage, columns_of

DATABASE = {"database": "warehouse", "schema": "conformed"}
BILLING = {
    **DATABASE,
    "alias": "invoice__billing",
    "columns": {"id": {"data_type": "varchar"}, "total_minor": {"data_type": None}},
}
ERP = {**DATABASE, "alias": "invoice__erp", "columns": {}}
PARENTS = {"model.p.invoice__billing": BILLING, "model.p.invoice__erp": ERP}


def of(sql):
    return columns_of(sql, PARENTS, "duckdb")


def test_a_column_is_followed_through_ctes_joins_and_functions():
    told = of("""
        with billing as (select id, total_minor from warehouse.conformed.invoice__billing)
        select coalesce(billing.id, erp.number) as invoice_id, 'EUR' as currency, billing.total_minor
        from billing left join warehouse.conformed.invoice__erp as erp on erp.number = billing.id
    """)
    assert told["invoice_id"] == [
        Column("model.p.invoice__billing", "id"), Column("model.p.invoice__erp", "number"),
    ]  # fmt: skip
    assert told["total_minor"] == [Column("model.p.invoice__billing", "total_minor")]
    assert told["currency"] == []


def test_a_star_stands_for_the_columns_of_its_table():
    assert set(of("select * from warehouse.conformed.invoice__billing")) == {"id", "total_minor"}


def test_a_union_is_made_of_both_sides():
    told = of("""
        select id from warehouse.conformed.invoice__billing
        union all select e.number from warehouse.conformed.invoice__erp as e
    """)
    assert {column.name for column in told["id"]} == {"id", "number"}


def test_a_query_that_cannot_be_resolved_tells_nothing_and_fails_nothing():
    sql = "select json(a) as a, unnest(range(1, len(a))) as n from warehouse.conformed.invoice__erp"
    assert of(sql) == {}


def test_only_what_changed_is_read_again(tmp_path):
    node = {
        "resource_type": "model", "package_name": "p", "original_file_path": "models/invoices.sql",
        "depends_on": {"nodes": [*PARENTS]},
    }  # fmt: skip
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({
        "metadata": {"adapter_type": "duckdb"}, "sources": {},
        "nodes": {**{name: {"resource_type": "seed", "package_name": "p", "original_file_path": name, **parent}
                     for name, parent in PARENTS.items()}, "model.p.invoices": node},
    }))  # fmt: skip
    assert column_lineage(manifest, tmp_path) == {}
    compiled = tmp_path / "compiled/p/models/invoices.sql"
    compiled.parent.mkdir(parents=True)
    compiled.write_text("select id from warehouse.conformed.invoice__billing")
    made_of_id = {"model.p.invoices": {"id": [Column("model.p.invoice__billing", "id")]}}
    assert column_lineage(manifest, tmp_path) == made_of_id
    kept = tmp_path / KEPT
    kept.write_text(kept.read_text().replace('"id"]', '"as kept"]'))
    assert column_lineage(manifest, tmp_path)["model.p.invoices"]["id"][0].name == "as kept"
    compiled.write_text("select id from warehouse.conformed.invoice__billing where true")
    assert column_lineage(manifest, tmp_path) == made_of_id
