"""A company's own files stand in for the shipped ones, and mistakes in them are told."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import pytest

from orchestration.audit_pack import make_pack, pack_path
from orchestration.company_files import (
    DBT_PROJECT_DIR,
    MATRIX,
    PASSES,
    POLICY,
    SHIPPED,
    SHIPPED_SEEDS,
    CompanyFilesError,
    laid_over_seeds,
    own_files,
)
from orchestration.provenance import provenance
from orchestration.settings import load_settings
from orchestration.stores import opened_state
from reconcilers.corrections.policy import load_policy
from reconcilers.exceptions import record_night
from tests.correction_samples import at, night
from tests.drift_samples import drift, stale_status

ENTITIES = "legal_entities.csv"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "config"
    made.mkdir()
    text = SHIPPED[ENTITIES].read_text(encoding="utf-8")
    (made / ENTITIES).write_text(text.replace("Northwind Cloud Inc", "Our Own Inc"))
    return made


def settings_with(folder, tmp_path):
    return load_settings({"TIEOUT_HOME": str(tmp_path / "home"), "TIEOUT_CONFIG": str(folder)})


def test_what_is_not_there_is_the_shipped_file(folder, tmp_path):
    (folder / "policy.toml").write_text("[policy]")
    settings = settings_with(folder, tmp_path)
    assert settings.policy_path == folder / "policy.toml"
    assert settings.matrix_path == SHIPPED["system_of_record.csv"]
    assert settings.passes_path == SHIPPED["passes.toml"]
    assert all(path.is_file() for path in SHIPPED.values())


def test_a_variable_goes_before_the_folder(folder, tmp_path):
    (folder / "policy.toml").write_text("[policy]")
    environ = {"TIEOUT_CONFIG": str(folder), "TIEOUT_POLICY": str(tmp_path / "other.toml")}
    assert load_settings(environ).policy_path == tmp_path / "other.toml"


def test_every_mistake_is_told(folder):
    (folder / "legal_entity.csv").write_text("a")
    (folder / "tax_codes.csv").write_text("tax_code,legal_entity,country_code,rate,description\n")
    (folder / "README.md").write_text("for people")
    with pytest.raises(CompanyFilesError) as caught:
        own_files(folder)
    told = str(caught.value)
    assert "legal_entity.csv is none of" in told
    assert "tax_codes.csv: lacks rate_percent and has unknown rate" in told
    assert "README" not in told


def test_a_folder_that_is_not_there_is_no_folder(tmp_path):
    with pytest.raises(CompanyFilesError, match="which is no folder"):
        own_files(tmp_path / "nowhere")


def test_dbt_gets_all_seeds_with_the_own_ones_laid_over(folder, tmp_path):
    seeds = laid_over_seeds(folder, tmp_path / "seeds")
    assert {each.name for each in seeds.iterdir()} == {
        each.name for each in SHIPPED_SEEDS.iterdir()
    }
    assert "Our Own Inc" in (seeds / ENTITIES).read_text()
    before = (seeds / "tax_codes.csv").stat().st_mtime_ns
    (folder / ENTITIES).unlink()
    laid_over_seeds(folder, seeds)
    assert "Northwind Cloud Inc" in (seeds / ENTITIES).read_text()
    assert (seeds / "tax_codes.csv").stat().st_mtime_ns == before


def test_the_pack_of_a_night_holds_the_companys_own_files(folder, tmp_path):
    settings = settings_with(folder, tmp_path)
    report = settings.report_dir(night(0)) / "report.html"
    report.parent.mkdir(parents=True)
    report.write_text("<p>")
    with opened_state(settings) as store:
        record_night(store, night(0), drift(stale_status()), "1", policy=load_policy(),
                     watermarks={}, recorded_at=at(0, 3))  # fmt: skip
    make_pack(settings, night(0))
    with zipfile.ZipFile(pack_path(settings, night(0))) as packed:
        rules = {name for name in packed.namelist() if name.startswith("rules/")}
        assert b"Our Own Inc" in packed.read(f"rules/{ENTITIES}")
    assert rules == {f"rules/{name}" for name in (ENTITIES, MATRIX, POLICY, PASSES)}


def test_the_audit_is_told_which_files_were_the_companys(folder, tmp_path):
    assert provenance(settings_with(folder, tmp_path))["company_files_sha256"].keys() == {ENTITIES}


@pytest.mark.slow
def test_dbt_loads_the_companys_own_rows(folder, tmp_path, parsed_home):
    settings = settings_with(folder, tmp_path)
    shutil.copytree(parsed_home / "dbt" / "target", tmp_path / "target")
    warehouse = tmp_path / "warehouse.duckdb"
    subprocess.run(
        [Path(sys.executable).with_name("dbt"), "seed", "--select", "legal_entities", "--quiet",
         "--project-dir", DBT_PROJECT_DIR, "--profiles-dir", DBT_PROJECT_DIR,
         "--target-path", tmp_path / "target"],
        env={"PATH": "/usr/bin:/bin", "TIEOUT_SEEDS": settings.dbt_seeds(),
             "TIEOUT_WAREHOUSE": str(warehouse), "DBT_LOG_PATH": str(tmp_path / "logs")},
        check=True,
    )  # fmt: skip
    with duckdb.connect(str(warehouse)) as con:
        names = con.sql("select name from seeds.legal_entities").fetchall()
    assert ("Our Own Inc",) in names
