"""The project is parsed where its files are not those of the last parse."""

import json
import shutil

import pytest
from dagster_dbt import DbtProject

from orchestration.company_files import DBT_PROJECT_DIR
from orchestration.dbt import dbt_client, dbt_project, ensure_manifest, enter_dbt_environment
from orchestration.settings import load_settings


@pytest.fixture
def home(parsed_home, tmp_path):
    return shutil.copytree(parsed_home, tmp_path / "home")


def touched(home):
    """Whether a parse wrote the manifest, which is newer here than any file of the project."""
    manifest = home / "dbt" / "target" / "manifest.json"
    manifest.touch()
    before = manifest.stat().st_mtime_ns
    ensure_manifest(dbt_project(load_settings({"TIEOUT_HOME": str(home)})))
    return manifest.stat().st_mtime_ns != before


def test_what_was_parsed_is_not_parsed_again(home):
    assert not touched(home)


@pytest.mark.slow
def test_a_manifest_of_another_version_is_made_again_however_new_it_is(home):
    (home / "dbt" / "target" / "parsed_files.sha256").write_text("of another version")
    assert touched(home)
    assert not touched(home)


@pytest.mark.slow
def test_nothing_is_taken_over_of_a_project_that_lay_in_another_folder(home, tmp_path):
    settings = load_settings({"TIEOUT_HOME": str(home)})
    elsewhere = shutil.copytree(DBT_PROJECT_DIR, tmp_path / "elsewhere" / "dbt_project")
    target = settings.dbt_target_dir
    enter_dbt_environment(settings)
    former = DbtProject(elsewhere, profiles_dir=DBT_PROJECT_DIR, target_path=target)
    (target / "partial_parse.msgpack").unlink()
    dbt_client(former).cli(["parse", "--quiet"], target_path=target).wait()
    (target / "parsed_files.sha256").write_text(f"{elsewhere}\nits files")
    ensure_manifest(dbt_project(settings))
    nodes = json.loads((target / "manifest.json").read_text("utf-8"))["nodes"].values()
    roots = {node["root_path"] for node in nodes if node["resource_type"] == "seed"}
    assert roots == {str(DBT_PROJECT_DIR)}
