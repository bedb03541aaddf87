"""dlt's declarative source reads from our servers what our extractors land."""

import pytest

from tests.peers import tasks
from tests.peers.environments import run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("system", ["stripe", "salesforce"])
def test_a_pipeline_loads_what_the_extractor_lands(company, clients, system, tmp_path):
    landed = company.land(system, tmp_path / "landed")
    task = tasks.dlt(system, company.secrets(system), tmp_path, into_duckdb=True)
    answer = run(clients, "dlt_source", task)
    read = tasks.under_our_names(system, answer["objects"])
    loaded = tasks.under_our_names(system, answer["loaded"])
    assert read.keys() == tasks.names(system).keys()
    for name, rows in read.items():
        lands = landed[name]
        assert (rows["rows"], rows["digest"]) == (lands["rows"], lands["digest"]), name
        assert loaded.get(name, 0) == lands["rows"], name
