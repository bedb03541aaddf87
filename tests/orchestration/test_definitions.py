"""The code location as the Dagster UI loads it."""

import datetime as dt
import shutil

import dagster as dg
import pytest

from orchestration.assembly import build_defs
from orchestration.checks import TIEOUT_CODES, check_name
from orchestration.settings import load_settings
from reconcilers.rules.codes import CODES
from reconcilers.rules.comparison import COMPARISONS

LAYERS = {
    "raw_salesforce",
    "raw_stripe",
    "raw_netsuite",
    "raw_bank",
    "raw_tables",
    "seeds",
    "staging",
    "identity",
    "conformed",
    "canonical",
    "events",
    "comparison",
    "balance",
    "matching",
    "trace",
    "reconciliation",
    "corrections",
    "reporting",
}


COMPILED = "dbt/target/compiled/tieout/models/staging/stripe/stg_stripe__customers.sql"


@pytest.fixture(scope="module")
def defs(parsed_home, tmp_path_factory):
    home = shutil.copytree(parsed_home, tmp_path_factory.mktemp("shown") / "home")
    (home / COMPILED).parent.mkdir(parents=True)
    (home / COMPILED).write_text(
        'select id as customer_id, name as customer_name from "warehouse"."raw"."stripe__customer"'
    )
    return build_defs(load_settings({"TIEOUT_HOME": str(home)}), with_lineage=True)


@pytest.fixture(scope="module")
def graph(defs):
    return defs.resolve_asset_graph()


def keys(graph, prefix):
    return {key.path[-1] for key in graph.get_all_asset_keys() if key.path[0] == prefix}


def test_the_layers_of_the_design_are_the_groups_of_the_graph(graph):
    groups = {graph.get(key).group_name for key in graph.materializable_asset_keys}
    assert groups == LAYERS


def test_every_comparison_of_the_rules_is_a_model(graph):
    compared = {comparison.name for comparison in COMPARISONS}
    assert {name for name in keys(graph, "comparison") if name.startswith("cmp_")} == compared


def test_the_canonical_entities_are_all_there(graph):
    assert {
        "customers",
        "products",
        "contracts",
        "subscriptions",
        "invoices",
        "payments",
        "revenue_events",
        "journal_entries",
    } <= keys(graph, "canonical")


def test_every_asset_says_what_it_is_and_whose_it_is(graph):
    assets = [graph.get(key) for key in graph.materializable_asset_keys]
    assert [node.key for node in assets if not node.description or not node.owners] == []


def test_the_columns_of_every_table_are_known_without_a_run(graph):
    written_by_python = {"reconciliation", "corrections", "events", "identity", "reporting"}
    without = {
        key.to_user_string()
        for key in graph.materializable_asset_keys
        if "dagster/column_schema" not in graph.get(key).metadata
        and key.path[0] not in written_by_python
    }
    assert without == {"raw/tables"}


def test_a_column_of_a_compiled_model_says_what_it_is_made_of(graph):
    metadata = graph.get(dg.AssetKey(["staging", "stg_stripe__customers"])).metadata
    raw = dg.AssetKey(["raw", "stripe", "customer"])
    lineage = metadata["dagster/column_lineage"].deps_by_column
    assert lineage["customer_id"] == [dg.TableColumnDep(raw, "id")]
    told = {column.name: column.description for column in metadata["dagster/column_schema"].columns}
    assert told["customer_id"].endswith(
        "\n\nFrom [raw/stripe/customer](/assets/raw/stripe/customer).id"
    )


def test_the_night_never_sends_corrections(defs):
    night = {
        key.to_user_string()
        for key in defs.resolve_job_def("nightly").asset_layer.selected_asset_keys
    }
    sending = {
        key.to_user_string()
        for key in defs.resolve_job_def("dispatch").asset_layer.selected_asset_keys
    }
    assert sending == {"corrections/attempts"}
    assert night.isdisjoint(sending)
    assert "reporting/nightly_report" in night


def test_every_code_and_every_tieout_has_its_check(graph):
    checks = {key.name for key in graph.asset_check_keys}
    assert {check_name(code) for code in [*CODES, *TIEOUT_CODES]} <= checks


def test_only_broken_tieouts_block(graph):
    blocking = {key.name for key in graph.asset_check_keys if graph.get(key).blocking}
    assert {check_name(code) for code in TIEOUT_CODES} <= blocking
    assert blocking.isdisjoint({check_name(code) for code in CODES})


def test_at_two_in_the_morning_the_day_before_is_reconciled(defs):
    schedule = defs.resolve_schedule_def("nightly_at_two")
    assert schedule.cron_schedule == "0 2 * * *"
    assert schedule.execution_timezone in {None, "UTC"}
    tick = dg.build_schedule_context(
        scheduled_execution_time=dt.datetime(2026, 7, 2, 2, 0, tzinfo=dt.UTC),
        repository_def=defs.get_repository_def(),
    )
    requests = schedule.evaluate_tick(tick).run_requests
    assert [request.partition_key for request in requests] == ["2026-07-01"]


def test_whatever_opens_the_warehouse_waits_for_its_turn(defs):
    pools = {
        node.name: node.definition.pool
        for node in defs.resolve_job_def("nightly").graph.node_dict.values()
    }
    outside = {name for name, pool in pools.items() if pool != "warehouse"}
    reading = {"extract_salesforce", "extract_stripe", "extract_netsuite", "extract_bank"}
    assert outside == {*reading, "events__cloud_events", "reporting__alerts"}
