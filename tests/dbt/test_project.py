"""The map stays true: every model that people read has a contract, a grain and words."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from orchestration import standing
from orchestration.entity_diagram import diagrams, rewritten
from reconcilers.ownership import GOLDEN_HOLDERS, load_ownership
from tests.comparison_tables import SEEDS

PUBLISHED = ("conformed", "canonical", "events", "comparison", "matching")
COMPARISONS = {
    "cmp_customer__crm_vs_billing",
    "cmp_customer__billing_vs_erp",
    "cmp_customer__crm_vs_erp",
    "cmp_customer__within_system",
    "cmp_customer_parent__crm_vs_erp",
    "cmp_contract_party__crm_vs_billing",
    "cmp_invoice_party__billing_vs_erp",
    "cmp_customer_status__billing_vs_erp",
    "cmp_customer_link__copy_vs_crosswalk",
    "cmp_product__within_system",
    "cmp_product_account__within_erp",
    "cmp_price__crm_vs_billing",
    "cmp_contract__crm_vs_billing",
    "cmp_contract_line__crm_vs_billing",
    "cmp_contract_term__crm_vs_billing",
    "cmp_contract_change__crm_vs_billing",
    "cmp_contract_phase__crm_vs_billing",
    "cmp_contract_add_on__crm_vs_billing",
    "cmp_contract_renewal__crm_vs_billing",
    "cmp_subscription__crm_vs_billing",
    "cmp_subscription_item__within_billing",
    "cmp_invoice__billing_vs_erp",
    "cmp_invoice__within_billing",
    "cmp_invoice_line__billing_vs_erp",
    "cmp_invoice_tax__billing_vs_erp",
    "cmp_credit_note__billing_vs_erp",
    "cmp_credit_note_application__billing_vs_erp",
    "cmp_payment__billing_vs_erp",
    "cmp_payment_application__billing_vs_erp",
    "cmp_payout__billing_vs_erp",
    "cmp_payout__billing_vs_bank",
    "cmp_refund__billing_vs_erp",
    "cmp_dispute__billing_vs_erp",
    "cmp_revenue_schedule__policy_vs_erp",
    "cmp_revenue_period__policy_vs_erp",
    "cmp_contract_modification__policy_vs_erp",
    "cmp_usage__metered_vs_billing",
    "cmp_deferred_entry__plans_vs_ledger",
    "cmp_exchange_difference__rates_vs_ledger",
    "cmp_posting__event_vs_ledger",
    "cmp_posting_line__mapping_vs_ledger",
    "cmp_clearing_entry__within_erp",
    "cmp_journal_entry__within_erp",
    "cmp_journal_edit__within_erp",
    "cmp_closed_journal__signed_vs_ledger",
    "cmp_field_writes__within_erp",
    "cmp_mrr_month__movements_vs_closing",
    "cmp_account_arr__crm_vs_contracts",
    "cmp_snapshot__source_vs_landed",
}
# Views that a night does not read: a grain test would work out every value of every thing.
# test_small_company.py looks at their grain instead.
LOOKED_UP = {f"{entity}_values" for entity in (*GOLDEN_HOLDERS, "attribute", "golden")}
LOOKED_UP |= {"trace_nodes", "trace_edges", "trace_aliases"}
# What stands row by row in business_events, by an id made of its key: that grain is theirs.
LOGGED = {"happenings", "fresh_events"} | {
    f"happenings__{kind}"
    for kind in (
        "customer", "contract", "change", "subscription", "invoice", "payment", "reversal", "ledger"
    )
}  # fmt: skip
# What places, joins or dates a canonical row; nobody owns it as an attribute.
STRUCTURE = {
    "correlation_id", "created_at", "modified_at", "owner_role", "link_method", "as_of_date",
    "effective_at", "signed_at", "status_changed_at", "issued_at", "paid_at", "product_code",
    "price_interval", "voided_at", "currency", "lowest_billing_amount", "highest_billing_amount",
}  # fmt: skip
EVERY_COMPARISON_HAS = {
    "row_key",
    "entity",
    "canonical_id",
    "correlation_id",
    "legal_entity",
    "currency",
    "period",
    "excluded_reason",
    "event_at",
}


@pytest.fixture(scope="module")
def manifest(parsed_home) -> dict[str, Any]:
    return json.loads((parsed_home / "dbt" / "target" / "manifest.json").read_text("utf-8"))


def models(manifest: dict[str, Any], *schemas: str) -> Iterator[dict[str, Any]]:
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model" and (not schemas or node["schema"] in schemas):
            yield node


def test_published_models_have_enforced_contracts(manifest):
    without = [m["name"] for m in models(manifest, *PUBLISHED) if not m["contract"]["enforced"]]
    assert without == []


def kept(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [n for n in manifest["nodes"].values() if n["resource_type"] in {"model", "seed"}]


def columns(manifest: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(model, column, description) of everything that dbt builds."""
    for node in kept(manifest):
        for name, column in node["columns"].items():
            yield node["name"], name, column["description"]


def test_every_model_and_its_columns_are_described(manifest):
    assert [n["name"] for n in kept(manifest) if not n["description"] or not n["columns"]] == []
    assert [f"{model}.{name}" for model, name, said in columns(manifest) if not said] == []


def test_every_column_of_published_models_has_a_type(manifest):
    untyped = [
        f"{model['name']}.{name}"
        for model in models(manifest, *PUBLISHED)
        for name, column in model["columns"].items()
        if not column["data_type"]
    ]
    assert untyped == []


@pytest.mark.parametrize(
    ("ending", "words"),
    [("_minor", ("minor unit", "currency")), ("_at", ("UTC",)), ("_date", ("calendar",))],
)
def test_what_is_measured_says_in_which_unit(manifest, ending, words):
    """A controller reads the unit and currency of an amount, and whose clock or calendar it is."""
    unsaid = [
        f"{model}.{name}: {said}"
        for model, name, said in columns(manifest)
        if name.endswith(ending) and not all(word in said for word in words)
    ]
    assert unsaid == []


def test_every_attribute_of_the_matrix_has_a_column_or_says_what_is_missing(manifest):
    rows = load_ownership(SEEDS / "system_of_record.csv")
    chosen = {
        (model["config"]["meta"]["entity"], attribute)
        for model in models(manifest, "canonical")
        if model["name"].endswith("_values") and "entity" in model["config"]["meta"]
        for attribute in model["config"]["meta"]["attributes"]
    }
    declared = {(row.entity, row.attribute) for row in rows if row.status == "golden_only"}
    compared = {(row.entity, row.attribute) for row in rows if row.status == "compared"}
    assert declared <= chosen
    assert chosen <= declared | compared
    shown = {
        (
            re.sub("ies$", "y", model["alias"]).removesuffix("s"),
            name.removesuffix("_minor").removesuffix("_customer_id"),
        )
        for model in models(manifest, "canonical")
        for name in model["columns"]
    }
    assert {
        (row.entity, row.attribute) for row in rows if row.status == "canonical_only"
    } <= shown  # fmt: skip


def test_every_attribute_of_a_canonical_thing_is_in_the_matrix(manifest):
    rows = load_ownership(SEEDS / "system_of_record.csv")
    owned = {(row.entity, row.attribute) for row in rows}
    tables = {f"{entity}s": entity for entity in GOLDEN_HOLDERS}
    unowned = [
        f"{model['name']}.{name}"
        for model in models(manifest, "canonical")
        if model["name"] in tables
        for name in model["columns"]
        if name not in STRUCTURE
        and not name.endswith(("_id", "_key", "_count"))
        and (tables[model["name"]], name.removesuffix("_minor")) not in owned
    ]
    assert unowned == []


def test_the_entity_diagrams_are_those_of_the_manifest(manifest):
    page = (SEEDS.parents[1] / "docs" / "data-model.md").read_text(encoding="utf-8")
    assert rewritten(page, diagrams(manifest)) == page, "run `make docs` and commit the page"


def test_every_model_and_seed_has_a_grain_test(manifest):
    tested = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and (node.get("test_metadata") or {}).get("name") == "grain"
    }
    asked = [node for node in kept(manifest) if node["name"] not in LOOKED_UP | LOGGED]
    assert [node["name"] for node in asked if node["unique_id"] not in tested] == []


def test_every_test_stops_the_run(manifest):
    """Drift is data: a dbt test is about integrity, so none of them only warns."""
    tests = [n for n in manifest["nodes"].values() if n["resource_type"] == "test"]
    assert {test["config"]["severity"].lower() for test in tests} == {"error"}


def test_every_comparison_shows_its_two_sides_alike(manifest):
    # What findings hang together by has no sides, and what a comparison is made of only ids.
    found = {
        model["name"]: set(model["columns"])
        for model in models(manifest, "comparison")
        if model["name"].startswith("cmp_")
    }
    assert set(found) == COMPARISONS
    for name, columns in found.items():
        assert columns >= EVERY_COMPARISON_HAS, name
        _, sides = name.split("__")
        for role in sides.removeprefix("within_").split("_vs_"):
            own = {f"{role}_id", f"has_{role}", f"{role}_amount_minor"}
            assert columns >= own | {f"{role}_coverage_seconds"}, name


def test_money_is_never_a_float(manifest):
    floats = [
        f"{model['name']}.{name}"
        for model in models(manifest)
        for name, column in model["columns"].items()
        if str(column["data_type"]).lower() in {"double", "float", "real"} and name != "confidence"
    ]
    assert floats == []


def test_only_what_identity_needs_is_built_before_it(manifest):
    early = {m["schema"] for m in models(manifest) if "before_identity" in m["tags"]}
    assert early == {"staging", "identity"}


def test_sources_are_keyed_as_the_raw_assets_are(manifest):
    for source in manifest["sources"].values():
        if source["source_name"] in {"salesforce", "stripe", "netsuite", "bank"}:
            key = source["meta"]["dagster"]["asset_key"]
            assert key == ["raw", source["source_name"], source["name"]]
            assert source["identifier"] == f"{source['source_name']}__{source['name']}"


def test_every_declared_object_is_a_source(manifest):
    from extractors.registry import READ

    declared = {(system, name) for system, objects in READ.items() for name in objects}
    known = {(s["source_name"], s["name"]) for s in manifest["sources"].values()}
    assert declared <= known


def test_no_test_of_what_was_read_is_left_out_with_the_views_that_stand(manifest):
    """dbt leaves out a test of nothing but what is left out: those of seeds alone, of no view.

    Grains of models are looked at where these are made, and of views each night.
    """
    nodes = manifest["nodes"]
    for test in nodes.values():
        if test["resource_type"] != "test" or "grain" in test["tags"]:
            continue
        parents = [nodes[one] for one in test["depends_on"]["nodes"] if one in nodes]
        kinds = {parent["config"]["materialized"] for parent in parents}
        assert "view" not in kinds or "table" in kinds, test["name"]


def tables(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    nodes = manifest["nodes"].values()
    return (node for node in nodes if node["config"].get("materialized") == "table")


def added_when_read(node: dict[str, Any]) -> frozenset[str]:
    """Columns that the view over a table adds to it."""
    found = re.findall(r"\b(?:coverage|when_read)\(\s*'(\w+)'", node.get("raw_code", ""))
    return frozenset(found)


def test_no_table_that_stands_holds_what_every_reading_changes(manifest):
    """A view adds it; a table that takes it over asks for the watermark, or for a view that turns."""
    nodes = manifest["nodes"]
    late = standing.unaffected(manifest, [standing.WATERMARKS])
    taken_over = set()
    for parent in tables(manifest):
        added = added_when_read(parent)
        behind = list(manifest["child_map"][parent["unique_id"]]) if added else []
        while behind:
            child = behind.pop()
            node = nodes.get(child, {})
            if node.get("resource_type") != "model":
                continue
            # a name that it gives to a column of its own is not taken from there
            named = re.sub(r"\bas \w+|'\w*'", "", node["raw_code"])
            if not re.search(rf"\b({'|'.join(added)})\b", named):
                continue
            if node["config"]["materialized"] == "table":
                taken_over.add(node["name"])
                assert child not in late, f"{node['name']} holds {sorted(added)}"
            elif not node["config"]["meta"].get("turns"):
                behind += manifest["child_map"][child]
    assert {
        "cmp_contract_modification__policy_vs_erp",
        "cmp_contract_add_on__crm_vs_billing",
        "contract_ramps",
    } <= taken_over


# What the day makes, or the hour up to which was read: each night, whatever else it brings.
MADE_EACH_NIGHT = {
    "cmp_account_arr__crm_vs_contracts",
    "cmp_contract__crm_vs_billing",
    "cmp_contract_add_on__crm_vs_billing",
    "cmp_contract_change__crm_vs_billing",
    "cmp_contract_line__crm_vs_billing",
    "cmp_contract_modification__policy_vs_erp",
    "cmp_contract_phase__crm_vs_billing",
    "cmp_contract_renewal__crm_vs_billing",
    "cmp_contract_term__crm_vs_billing",
    "cmp_customer_link__copy_vs_crosswalk",
    "cmp_field_writes__within_erp",
    "cmp_mrr_month__movements_vs_closing",
    "cmp_snapshot__source_vs_landed",
    "cmp_usage__metered_vs_billing",
    "contract_ramps",
    "customer_balances",
    "event_attribute_changes",
    "fresh_events",
    "identity_exposure",
    "mrr_months",
    "mrr_movements",
    "opportunities",
    "recurring_revenue_entries",
    "rpt_arr_bridge",
    "signed_annual_values",
    "stg_control__build",
    "unbilled_usage_entries",
    "usage_earnings",
    "usage_ratings",
}


def test_the_day_and_the_watermarks_lead_to_no_more_tables_than_they_must(manifest):
    """A table more is rebuilt each night, and so is all that stands on it.

    Let a view work out what of it the hour changes (`when_read`), or what of the day counts
    (`meta.turns`), or list it here with a reason.
    """
    clock = [
        id_
        for id_, source in manifest["sources"].items()
        if (source["schema"], source["identifier"]) in {("raw", "build"), ("raw", "snapshots")}
    ]
    assert standing.DAY in clock
    stay = standing.unaffected(manifest, clock)
    made = {node["name"] for node in tables(manifest) if node["unique_id"] not in stay}
    assert made == MADE_EACH_NIGHT


def test_what_turns_is_a_view_of_the_second_half(manifest):
    """Its rows are looked at before the half that it belongs to is built."""
    turning = [
        node for node in manifest["nodes"].values() if node["config"].get("meta", {}).get("turns")
    ]
    assert {node["name"] for node in turning} == {
        "attribute_owners",
        "due_runs",
        "overdue_subscription__billing",
        "recurring_contracts",
        "reporting_rates",
    }
    for node in turning:
        assert node["config"]["materialized"] == "view"
        assert "before_identity" not in node["tags"]
        assert "model.tieout.stg_control__build" not in node["depends_on"]["nodes"], (
            "the table is still that of the day before: ask the source"
        )


def test_no_table_holds_what_the_crosswalk_says_of_the_night_alone(manifest):
    crosswalk = manifest["sources"]["source.tieout.identity.crosswalk"]
    links = "model.tieout.customer_links"
    assert manifest["nodes"][links]["config"]["materialized"] == "view"
    for node in tables(manifest):
        if not {links, crosswalk["unique_id"]}.isdisjoint(node["depends_on"]["nodes"]):
            for column in crosswalk["config"]["meta"]["of_the_night"]:
                assert not re.search(rf"\b(crosswalk|links)\.(\*|{column})", node["raw_code"])
