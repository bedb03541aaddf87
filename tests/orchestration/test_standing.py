"""What a night left stays only where the next one would build the same."""

import datetime as dt

import duckdb
import pytest

from extractors.raw_tables import load_current
from orchestration import standing
from reconcilers.events.log import EventLog

FIRST, SECOND = "before_identity", "after_identity"
NAMES = {"seeds.currencies", "trace.nodes", "canonical.products"}
FILES = standing.fingerprint("files")
COVERAGE, WHEN_READ = "macro.tieout.coverage", "macro.tieout.when_read"
ASKS = "macro.tieout.watermark"
VERSIONS = {"raw.stripe__product": "2026-07-01"}


@pytest.fixture
def con():
    with duckdb.connect() as con:
        con.execute(
            "CREATE SCHEMA seeds; CREATE TABLE seeds.currencies AS SELECT 'EUR' AS currency"
        )
        con.execute("CREATE SCHEMA trace; CREATE VIEW trace.nodes AS FROM seeds.currencies")
        con.execute("CREATE SCHEMA canonical; CREATE TABLE canonical.products AS FROM range(3)")
        assert standing.take(con, FIRST, FILES, NAMES) is None
        standing.note_built(con, FIRST, FILES, NAMES, VERSIONS)
        yield con


def stands(con, *, half=FIRST, files=FILES, names=NAMES):
    return standing.take(con, half, files, names) is not None


def test_what_the_same_files_would_build_stands_with_the_versions_of_its_sources(con):
    con.execute("CREATE VIEW trace.edges AS FROM seeds.currencies")
    assert standing.take(con, FIRST, FILES, NAMES) == VERSIONS


def test_each_half_stands_for_itself(con):
    assert not stands(con, half=SECOND)
    assert stands(con)


def test_nothing_stands_behind_a_build_that_did_not_end(con):
    assert stands(con)
    assert not stands(con)


@pytest.mark.parametrize(
    "meanwhile",
    [
        "DROP VIEW trace.nodes",
        "DROP TABLE seeds.currencies",
        "CREATE OR REPLACE VIEW trace.nodes AS SELECT 'USD' AS currency",
        "ALTER TABLE seeds.currencies ADD COLUMN exponent INTEGER",
        "INSERT INTO canonical.products VALUES (3)",
    ],
)
def test_nothing_stands_where_something_is_gone_or_another(con, meanwhile):
    con.execute(meanwhile)
    assert not stands(con)


def test_nothing_stands_of_other_files_or_where_something_new_is_to_be_built(con):
    assert not stands(con, files=standing.fingerprint("other files"))
    standing.note_built(con, FIRST, FILES, NAMES, VERSIONS)
    assert not stands(con, names=NAMES | {"trace.edges"})


def test_the_code_that_makes_the_tables_below_counts(tmp_path):
    made = tmp_path / "tables.py"
    made.write_text("one")
    before = standing.fingerprint("files", [tmp_path])
    assert standing.fingerprint("files", [tmp_path]) == before
    made.write_text("another")
    assert standing.fingerprint("files", [tmp_path]) != before


def declared(*names, **meta):
    """Sources as a manifest has them, under their own names."""
    return {
        name: {"schema": schema, "identifier": table, "config": {"meta": meta}}
        for name in names
        for schema, _, table in [name.partition(".")]
    }


@pytest.mark.parametrize(
    ("meanwhile", "is_another"),
    [
        ("UPDATE identity.crosswalk SET source_id = 'b' WHERE source_id = 'a'", True),
        ("INSERT INTO identity.crosswalk FROM identity.crosswalk", True),
        ("UPDATE identity.crosswalk SET seen = 2", False),
        ("CREATE OR REPLACE TABLE identity.crosswalk AS FROM identity.crosswalk", False),
    ],
)
def test_a_source_of_other_rows_has_another_version(con, meanwhile, is_another):
    con.execute("CREATE SCHEMA identity")
    con.execute(
        "CREATE TABLE identity.crosswalk AS FROM (VALUES ('a', 1), ('c', 1)) AS one (source_id, seen)"
    )
    sources = declared("seeds.currencies") | declared("identity.crosswalk", of_the_night=["seen"])
    before = standing.versions(con, sources)
    con.execute(meanwhile)
    after = standing.versions(con, sources)
    assert {name for name in sources if before[name] != after[name]} == (
        {"identity.crosswalk"} if is_another else set()
    )


def test_what_was_read_has_the_version_of_its_last_change(con, tmp_path):
    day = dt.date(2026, 7, 1)
    sources = declared("raw.stripe__product", "raw.build", "event_log.events")
    EventLog(tmp_path / "log").load(con, day)

    def loaded(made_by):
        load_current(con, tmp_path, day, made_by)
        return standing.versions(con, sources)

    first, again, anew = loaded("us"), loaded("us"), loaded("others")
    assert {name for name in sources if first[name] != again[name]} == {"raw.build"}
    assert {name for name in sources if again[name] != anew[name]} == {
        "raw.build",
        "raw.stripe__product",
    }


def manifest(parents, **kinds):
    """A manifest of these nodes and their parents; what is of no kind is a source."""
    children = {name: [] for name in parents} | {
        one: [] for each in parents.values() for one in each
    }
    for name, those in parents.items():
        for parent in those:
            children[parent].append(name)
    nodes = {
        name: {"config": {"materialized": kind, "meta": {}}, "schema": "seeds", "alias": name}
        for name, kind in kinds.items()
    }
    return {"nodes": nodes, "child_map": children, "parent_map": parents}


def test_tables_stand_where_no_changed_source_leads_to_them():
    project = manifest(
        {"staged": ["read"], "made": ["staged"], "joined": ["made", "other"], "other": ["quiet"]},
        staged="view",
        made="table",
        joined="table",
        other="table",
        listed="seed",
    )
    assert standing.unaffected(project, ["read"]) == {"staged", "other", "listed"}
    assert standing.unaffected(project, ["quiet"]) == {"staged", "made", "listed"}
    assert standing.unaffected(project, []) == {"staged", "made", "joined", "other", "listed"}


def test_what_its_view_adds_to_a_table_does_not_change_the_table():
    """It does where the model asks for watermarks in another way, too."""
    by_view, by_both, by_ref = (
        {"macros": macros} for macros in ([COVERAGE, WHEN_READ], [COVERAGE, ASKS], [])
    )
    project = manifest(
        {
            standing.WATERMARKS: ["read"],
            **{name: [standing.WATERMARKS] for name in ("late", "early", "named")},
        },
        **{standing.WATERMARKS: "view"},
        **dict.fromkeys(("late", "early", "named"), "table"),
    )
    for name, depends_on in (("late", by_view), ("early", by_both), ("named", by_ref)):
        project["nodes"][name] |= {"depends_on": depends_on, "raw_code": ""}
    project["nodes"]["named"]["raw_code"] = "select * from {{ ref('stg_control__snapshots') }}"
    project["macros"] = {
        ASKS: {"macro_sql": "{{ ref('stg_control__snapshots') }}", "depends_on": {"macros": []}},
        COVERAGE: {"macro_sql": "", "depends_on": {"macros": [ASKS]}},
        WHEN_READ: {"macro_sql": "", "depends_on": {"macros": [ASKS]}},
    }
    assert standing.unaffected(project, ["read"]) == {standing.WATERMARKS, "late"}


def test_a_table_stands_until_what_of_the_day_counts_is_another(con):
    """So it does where anything else changed that the view is made of."""
    project = manifest(
        {"in_force": [standing.DAY, "rates"], "priced": ["in_force"], "rates": ["read"]},
        in_force="view",
        priced="table",
        rates="table",
    )
    project["nodes"]["in_force"]["config"]["meta"]["turns"] = True
    con.execute("CREATE TABLE seeds.days AS SELECT 1 AS day, DATE '2026-07-02' AS until")
    con.execute(
        "CREATE VIEW seeds.in_force AS SELECT until < DATE '2026-07-04' AS holds FROM seeds.days"
    )

    def turned(until):
        before = standing.turns(con, project, project["nodes"])
        con.execute(f"UPDATE seeds.days SET until = DATE '{until}'")
        after = standing.turns(con, project, project["nodes"])
        return [standing.DAY, *(id_ for id_ in after if after[id_] != before[id_])]

    assert standing.turns(con, project, ["rates"]) == {}
    assert standing.unaffected(project, turned("2026-07-03")) == {"in_force", "priced", "rates"}
    assert standing.unaffected(project, turned("2026-07-04")) == {"in_force", "rates"}
    assert standing.unaffected(project, ["read"]) == {"in_force"}


def test_a_table_is_built_for_the_test_that_holds_it_against_a_view_that_changed():
    test = "test.tieout.relationships"
    project = manifest(
        {"staged": ["read"], "other": ["quiet"], test: ["staged", "other"]},
        staged="view",
        other="table",
        **{test: "test"},
    )
    assert standing.unaffected(project, ["read"]) == {"staged"}
    assert standing.unaffected(project, []) == {"staged", "other"}
