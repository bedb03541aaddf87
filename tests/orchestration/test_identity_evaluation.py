"""Identity measured against a truth: on generated trios, and on files that anybody brings."""

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest

from extractors.sandbox.trios import build_trios
from orchestration.identity_evaluation import LabelledFileError, evaluate_files, evaluate_trios
from reconcilers.identity.model import ModelError, load_model
from reconcilers.identity.quality import score_pairs

TIEOUT = str(Path(sys.executable).with_name("tieout"))


def trios(seed, companies=300):
    with duckdb.connect() as con:
        build_trios(con, seed, companies)
        order = "order by system, source_id"
        return con.sql(f"from trio_record {order}").pl(), con.sql(f"from trio_truth {order}").pl()


def test_the_same_seed_makes_the_same_trios_and_another_one_others():
    records, truth = trios(5)
    again, truth_again = trios(5)
    assert records.equals(again)
    assert truth.equals(truth_again)
    assert not records.equals(trios(6)[0])


def test_trios_hold_the_noise_that_identity_has_to_bear():
    records, truth = trios(5, 3000)
    labelled = records.join(truth, on=["system", "source_id"])
    per_company = labelled.group_by("entity_id", "role").len()
    assert per_company.filter(pl.col("len") > 1)["role"].n_unique() == 3
    known = set(records["source_id"])
    named = records["xref_billing_id"].drop_nulls()
    assert 0 < (~named.is_in(list(known))).sum() < named.len() / 20
    families = labelled.group_by("group_id").agg(
        pl.col("entity_id").n_unique().alias("companies"),
        pl.col("website").n_unique().alias("sites"),
    )
    assert families.filter(pl.col("companies") > 1).height > 50


def test_unseen_trios_are_resolved_as_well_as_the_model_card_says():
    found = evaluate_trios(seed=77, companies=3000)
    crosswalk = next(score for score in found.scores if score.name == "crosswalk")
    assert crosswalk.precision >= 0.99
    assert crosswalk.recall >= 0.93


def test_pairs_are_counted_across_systems_and_unlabelled_records_left_out():
    rows = pl.DataFrame(
        {
            "system": ["crm", "erp", "billing", "billing", "billing"],
            "entity_id": ["x", "x", "x", "y", None],
            "customer": [1, 1, 2, 1, 1],
        }
    )
    score = score_pairs(rows, "customer", "found")
    # found: crm-erp, crm-billing(y), erp-billing(y); expected: the three pairs of x
    assert (score.found, score.true, score.expected) == (3, 1, 3)
    assert (round(score.precision, 3), round(score.recall, 3)) == (0.333, 0.333)


@pytest.fixture
def labelled(tmp_path):
    records = tmp_path / "records.csv"
    records.write_text(
        "system,source_id,legal_name,website,country_code\n"
        "salesforce,A1,Acme Data GmbH,acme.de,DE\n"
        "netsuite,7,ACME Data,www.acme.de,DE\n"
        "stripe,B1,Other Ltd,other.co.uk,GB\n"
    )
    truth = tmp_path / "truth.csv"
    truth.write_text("system,source_id,entity_id\nsalesforce,A1,1\nnetsuite,7,1\nstripe,B1,2\n")
    return records, truth


def test_anybodys_labelled_files_are_measured(labelled):
    found = evaluate_files(*labelled)
    crosswalk = next(score for score in found.scores if score.name == "crosswalk")
    assert (crosswalk.found, crosswalk.true, crosswalk.expected) == (1, 1, 1)


@pytest.mark.parametrize(
    ("header", "says"),
    [("system,source_id,nmae", "nmae"), ("system,legal_name", "source_id")],
)
def test_a_file_with_other_columns_is_refused_by_name(labelled, header, says):
    records, truth = labelled
    records.write_text(header + "\n")
    with pytest.raises(LabelledFileError, match=says):
        evaluate_files(records, truth)


def test_a_system_without_a_role_is_told(labelled):
    records, truth = labelled
    records.write_text("system,source_id\nsap,1\n")
    with pytest.raises(LabelledFileError, match="sap 1"):
        evaluate_files(records, truth)


def test_the_command_prints_json(labelled):
    records, truth = labelled
    done = subprocess.run(
        [TIEOUT, "evaluate", "identity", "--records", records, "--truth", truth, "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert json.loads(done.stdout)["records"] == 3


def test_the_shipped_model_names_the_command_that_made_it():
    assert load_model().command.startswith("tieout identity train --seed ")


def test_a_model_of_other_comparisons_is_refused(tmp_path):
    shipped = Path(__file__).parents[2] / "reconcilers" / "identity" / "model.json"
    told = json.loads(shipped.read_text())
    told["weights"].pop("phone")
    other = tmp_path / "model.json"
    other.write_text(json.dumps(told))
    with pytest.raises(ModelError, match="trained for other comparisons"):
        load_model(other)
