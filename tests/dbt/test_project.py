"""The map stays true: every model that people read has a contract, a grain and words."""

from collections.abc import Iterator
from typing import Any

import pytest

PUBLISHED = ("conformed", "canonical", "events", "comparison")
COMPARISONS = {
    "cmp_customer__crm_vs_billing",
    "cmp_customer__billing_vs_erp",
    "cmp_customer__crm_vs_erp",
    "cmp_contract__crm_vs_billing",
    "cmp_contract_line__crm_vs_billing",
    "cmp_subscription__crm_vs_billing",
    "cmp_invoice__billing_vs_erp",
    "cmp_payment__billing_vs_erp",
    "cmp_journal_entry__within_erp",
    "cmp_snapshot__source_vs_landed",
}
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
def manifest(parsed) -> dict[str, Any]:
    return parsed.manifest()


def models(manifest: dict[str, Any], *schemas: str) -> Iterator[dict[str, Any]]:
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model" and (not schemas or node["schema"] in schemas):
            yield node


def test_published_models_have_enforced_contracts(manifest):
    without = [m["name"] for m in models(manifest, *PUBLISHED) if not m["contract"]["enforced"]]
    assert without == []


def test_every_model_is_described(manifest):
    assert [m["name"] for m in models(manifest) if not m["description"]] == []


def test_every_column_of_published_models_is_described(manifest):
    undescribed = [
        f"{model['name']}.{name}"
        for model in models(manifest, *PUBLISHED)
        for name, column in model["columns"].items()
        if not column["description"] or not column["data_type"]
    ]
    assert undescribed == []


def test_every_model_and_seed_has_a_grain_test(manifest):
    tested = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and (node.get("test_metadata") or {}).get("name") == "grain"
    }
    kept = [n for n in manifest["nodes"].values() if n["resource_type"] in {"model", "seed"}]
    assert [node["name"] for node in kept if node["unique_id"] not in tested] == []


def test_every_test_stops_the_run(manifest):
    """Drift is data: a dbt test is about integrity, so none of them only warns."""
    tests = [n for n in manifest["nodes"].values() if n["resource_type"] == "test"]
    assert {test["config"]["severity"].lower() for test in tests} == {"error"}


def test_every_comparison_shows_its_two_sides_alike(manifest):
    found = {model["name"]: set(model["columns"]) for model in models(manifest, "comparison")}
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
        if source["source_name"] in {"salesforce", "stripe", "netsuite"}:
            key = source["meta"]["dagster"]["asset_key"]
            assert key == ["raw", source["source_name"], source["name"]]
            assert source["identifier"] == f"{source['source_name']}__{source['name']}"


def test_every_declared_object_is_a_source(manifest):
    from extractors.registry import SOURCES

    declared = {(system, name) for system, objects in SOURCES.items() for name in objects}
    known = {(s["source_name"], s["name"]) for s in manifest["sources"].values()}
    assert declared <= known
