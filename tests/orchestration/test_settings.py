import pytest

from extractors.systems import RECONCILED
from orchestration.connections import variables
from orchestration.kpis import effort
from orchestration.settings import SettingsError, load_settings
from reconcilers.kpis.backlog import Effort

REQUIRED = [name for system in RECONCILED for name in variables(system, required=True)]
SECRETS = {
    "SALESFORCE_CLIENT_SECRET": "shh",
    "NETSUITE_CLIENT_ID": "c",
    "NETSUITE_CERTIFICATE_ID": "netsuite_certificate_id",
    "NETSUITE_PRIVATE_KEY_PATH": "key.pem",
}


def test_without_real_systems_the_sandbox_is_used(tmp_path):
    settings = load_settings({"TIEOUT_HOME": str(tmp_path)})
    assert settings.uses_sandbox
    assert settings.raw_dir == tmp_path / "raw"
    assert settings.state_url == f"sqlite:///{tmp_path / 'state.db'}"


def test_a_sandbox_that_was_never_started_says_what_to_do(tmp_path):
    with pytest.raises(SettingsError, match="tieout sandbox up"):
        load_settings({"TIEOUT_HOME": str(tmp_path)}).connections()


def test_a_half_configured_set_of_systems_names_every_missing_variable(tmp_path):
    with pytest.raises(SettingsError) as caught:
        load_settings({"TIEOUT_HOME": str(tmp_path), "STRIPE_API_KEY": "rk_1"})
    missing = [name for name in REQUIRED if name != "STRIPE_API_KEY"]
    assert "NETSUITE_ACCOUNT" in missing
    assert all(name in str(caught.value) for name in missing)


def test_real_systems_are_read_from_the_environment(tmp_path):
    environ = {**{name: name.lower() for name in REQUIRED}, **SECRETS}
    settings = load_settings({"TIEOUT_HOME": str(tmp_path), **environ})
    assert not settings.uses_sandbox
    assert settings.connections()["netsuite"]["certificate_id"] == "netsuite_certificate_id"


def test_only_dispatch_holds_what_may_write(tmp_path):
    environ = {**{name: name.lower() for name in REQUIRED}, **SECRETS}
    environ |= {"STRIPE_WRITE_API_KEY": "rk_write", "SALESFORCE_WRITE_CLIENT_SECRET": "wide"}
    settings = load_settings({"TIEOUT_HOME": str(tmp_path), **environ})
    read, write = settings.system_config("stripe"), settings.target_config("stripe")
    assert (read.api_key, write.api_key) == ("stripe_api_key", "rk_write")
    assert read.base_url == write.base_url
    assert settings.system_config("salesforce").client_secret == "shh"
    assert settings.target_config("salesforce").client_secret == "wide"
    assert settings.target_config("netsuite") == settings.system_config("netsuite")
    assert "rk_write" not in repr(settings)


def test_credentials_stay_out_of_the_text_form_of_the_settings(tmp_path):
    environ = {name: f"secret-{name}" for name in [*REQUIRED, *SECRETS]}
    assert "secret-" not in repr(load_settings({"TIEOUT_HOME": str(tmp_path), **environ}))


def test_a_system_that_no_night_reconciles_needs_none_of_the_others(tmp_path):
    environ = {name: name.lower() for name in variables("tryton")}
    settings = load_settings({"TIEOUT_HOME": str(tmp_path), **environ})
    assert settings.uses_sandbox
    assert settings.system_config("tryton").database == "tryton_database"


def test_an_effort_is_two_whole_numbers_or_none(tmp_path):
    home = {"TIEOUT_HOME": str(tmp_path), "TIEOUT_EXCEPTION_MINUTES": "15"}
    assert effort(load_settings(home)) is None
    both = home | {"TIEOUT_HOURLY_RATE_MINOR": "6000"}
    assert effort(load_settings(both)) == Effort(15, 6000)
    with pytest.raises(SettingsError, match=r"TIEOUT_HOURLY_RATE_MINOR is '60\.00'"):
        load_settings(home | {"TIEOUT_HOURLY_RATE_MINOR": "60.00"})


def test_whoever_practises_is_heard_by_nobody(tmp_path):
    told = {
        "TIEOUT_ALERTS": "finance=json://alerts.example/hook",
        "TIEOUT_EVENTS_URL": "https://events.example",
        "TIEOUT_RAW_URL": "s3://company/raw",
        "TIEOUT_EXPORTS_URL": "s3://company/exports",
        "TIEOUT_STATE_URL": "postgresql://company",
    }
    company = load_settings({"TIEOUT_HOME": str(tmp_path / "company"), **told})
    apart = company.practising_in(tmp_path / "apart")
    assert company.alert_urls
    assert apart == load_settings({"TIEOUT_HOME": str(tmp_path / "apart")})


def test_models_are_built_by_an_engine_that_there_is(tmp_path):
    with pytest.raises(SettingsError, match="TIEOUT_ENGINE is 'flink'; write one of duckdb, spark"):
        load_settings({"TIEOUT_HOME": str(tmp_path), "TIEOUT_ENGINE": "flink"})
