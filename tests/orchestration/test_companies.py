"""Several companies in one deployment: what each has of its own, and that nothing is shared."""

import dataclasses
import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.systems import SYSTEMS
from orchestration.alerting import news
from orchestration.audit_pack import pack_path
from orchestration.companies import OF_DEPLOYMENT, is_own
from orchestration.connections import variables
from orchestration.doctor import examine
from orchestration.env_file import template_variables
from orchestration.provenance import provenance
from orchestration.settings import Settings, SettingsError, load_deployment, load_settings
from orchestration.stores import opened_state
from reconcilers.corrections.policy import load_policy
from reconcilers.exceptions import record_night
from reconcilers.state.audit import append_audit
from reconcilers.state.backup import restore_backup, write_backup
from reconcilers.state.views import list_audit
from tests.drift_samples import drift, drift_row
from tests.orchestration.test_settings import REQUIRED, SECRETS

NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,39}", fullmatch=True)
POSTGRESQL = "postgresql+psycopg://tieout@localhost/tieout"
NOW = dt.datetime(2026, 7, 2, 2, 0, tzinfo=dt.UTC)
CREDENTIALS = {**{name: name.lower() for name in REQUIRED}, **SECRETS}


@pytest.fixture
def shared(tmp_path):
    """A deployment of two companies; what is in `.env.acme` and its like stands beside `.env`."""
    for name in ("acme", "globex"):
        (tmp_path / "config" / name).mkdir(parents=True)
    return {
        "TIEOUT_ENV_FILE": str(tmp_path / ".env"),
        "TIEOUT_HOME": str(tmp_path / "home"),
        "TIEOUT_CONFIG": str(tmp_path / "config"),
        "TIEOUT_COMPANIES": "acme globex",
    }


def write(environ, company, **values):
    file = Path(environ["TIEOUT_ENV_FILE"]).with_name(f".env.{company}")
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))


def places(settings):
    """Everything of the settings in which something is kept, or by which it is found."""
    of_all = {"dagster_home"}  # one history of runs: its runs name their company
    fixed = {one.name for one in dataclasses.fields(Settings)}
    named = {name for name, one in vars(Settings).items() if isinstance(one, property)} - of_all
    values = {name: getattr(settings, name) for name in (fixed | named)}
    found = {str(value) for value in values.values() if isinstance(value, Path)}
    found |= {settings.raw_url, settings.exports_url}
    return found | {f"{settings.state_url} {settings.state_schema}"}


@given(names=st.lists(NAMES, min_size=2, max_size=2, unique=True), in_postgresql=st.booleans())
def test_two_companies_share_no_place(tmp_path_factory, names, in_postgresql):
    config = tmp_path_factory.getbasetemp() / "companies"
    for name in names:
        (config / name).mkdir(parents=True, exist_ok=True)
        for file in ("system_of_record.csv", "policy.toml", "overrides.csv", "passes.toml"):
            (config / name / file).touch()
    environ = {
        "TIEOUT_HOME": "/srv/tieout",
        "TIEOUT_COMPANIES": " ".join(names),
        "TIEOUT_CONFIG": str(config),
        "TIEOUT_RAW_URL": "s3://deployment/raw/",
        "TIEOUT_EXPORTS_URL": "s3://deployment/exports",
        **({"TIEOUT_STATE_URL": POSTGRESQL} if in_postgresql else {}),
    }
    one, other = (load_settings(environ, name) for name in names)
    assert places(one).isdisjoint(places(other))
    assert not any(a.startswith(f"{b}/") for a in places(one) for b in places(other))
    assert one.dagster_home == other.dagster_home == load_deployment(environ).dagster_home


def test_without_companies_everything_is_where_it_was(tmp_path):
    settings = load_settings({"TIEOUT_HOME": str(tmp_path), "TIEOUT_STATE_URL": POSTGRESQL})
    assert (settings.company, settings.companies, settings.state_schema) == ("", (), "")
    assert settings.dagster_home == tmp_path / "dagster"
    assert load_deployment({"TIEOUT_HOME": str(tmp_path)}) == load_settings(
        {"TIEOUT_HOME": str(tmp_path)}
    )


def test_a_company_is_what_its_own_file_says(shared):
    write(shared, "acme", **CREDENTIALS, TIEOUT_ALERTS="*=json://acme.example")
    acme, globex = (load_settings(shared, name) for name in ("acme", "globex"))
    assert acme.system_config("stripe").api_key == "stripe_api_key"
    assert acme.alert_urls == {"*": ("json://acme.example",)}
    assert globex.uses_sandbox
    assert globex.alert_urls == {}
    with pytest.raises(SettingsError, match=r"or fill in \.env\.globex"):
        globex.connections()


def test_the_company_is_never_guessed(shared):
    with pytest.raises(SettingsError, match=r"is not set, .* lists acme, globex"):
        load_settings(shared)
    with pytest.raises(SettingsError, match="TIEOUT_COMPANY is 'initech'"):
        load_settings({**shared, "TIEOUT_COMPANY": "initech"})
    with pytest.raises(SettingsError, match="TIEOUT_COMPANIES lists no companies"):
        load_settings({"TIEOUT_COMPANY": "acme"})
    assert load_settings({**shared, "TIEOUT_COMPANY": "globex"}).company == "globex"


@pytest.mark.parametrize("names", ["Acme", "acme/..", "9lives", "acme glo|bex", "a" * 41, "a a"])
def test_a_name_that_no_folder_or_schema_can_have_is_refused(shared, names):
    with pytest.raises(SettingsError, match="TIEOUT_COMPANIES"):
        load_deployment({**shared, "TIEOUT_COMPANIES": names})


@pytest.mark.parametrize(
    "name", ["STRIPE_API_KEY", "NETSUITE_WRITE_TOKEN_SECRET", "TIEOUT_ALERTS", "TIEOUT_POLICY"]
)
def test_what_is_one_companys_is_refused_where_all_would_get_it(shared, name):
    with pytest.raises(SettingsError, match=rf"{name} would be every company's.*\.env\.acme"):
        load_settings({**shared, name: "x"}, "acme")


@pytest.mark.parametrize("name", ["TIEOUT_HOME", "TIEOUT_STATE_URL", "STRIPE_API_KYE"])
def test_a_companys_file_says_nothing_of_the_deployment(shared, name):
    write(shared, "acme", **{name: "x"})
    with pytest.raises(SettingsError, match=rf"\.env\.acme sets {name}"):
        load_settings(shared, "acme")
    assert load_settings(shared, "globex").company == "globex"


def test_a_company_without_its_folder_does_not_get_the_shipped_rules(shared):
    Path(shared["TIEOUT_CONFIG"], "globex").rmdir()
    with pytest.raises(SettingsError, match="globex has no folder of its own files"):
        load_settings(shared, "globex")


def test_one_sqlite_file_for_all_is_refused(shared):
    with pytest.raises(SettingsError, match="TIEOUT_STATE_URL names one file"):
        load_settings({**shared, "TIEOUT_STATE_URL": "sqlite:////srv/state.db"}, "acme")


def test_every_variable_is_the_deployments_or_a_companys():
    known = {name for name in template_variables() if not name.startswith("OTEL_")}
    known |= {name for system in SYSTEMS for name in variables(system)}
    assert {name for name in known if is_own(name)} == known - OF_DEPLOYMENT
    assert not any(is_own(name) for name in OF_DEPLOYMENT)


def test_whoever_practises_in_a_company_is_no_company(shared, tmp_path):
    apart = load_settings(shared, "acme").practising_in(tmp_path / "apart")
    assert (apart.company, apart.companies) == ("", ())
    assert apart.dagster_home == tmp_path / "apart" / "dagster"


def test_what_people_see_says_whose_it_is(shared):
    acme = load_settings(shared, "acme")
    assert next(examine(acme)).detail.startswith("acme, of acme, globex")
    assert provenance(acme)["company"] == "acme"
    assert pack_path(acme, NOW.date()).name == "audit-acme-2026-07-02.zip"
    row = drift_row("a", "INV-MISS-01", severity="S2", impact_reporting_minor=5_000_000)
    with opened_state(acme) as state:
        record_night(state, NOW.date(), drift(row), "1", watermarks={}, policy=load_policy(),
                     recorded_at=NOW)  # fmt: skip
        assert [alert.title[:18] for alert in news(acme, state, NOW)] == ["acme: INV-MISS-01 "]


def test_in_one_database_each_company_has_a_schema(shared, postgres_url, tmp_path):
    environ = {**shared, "TIEOUT_STATE_URL": postgres_url, "TIEOUT_COMPANIES": "acme acme-eu"}
    (Path(shared["TIEOUT_CONFIG"]) / "acme-eu").mkdir()
    acme, europe = (load_settings(environ, name) for name in ("acme", "acme-eu"))
    with opened_state(acme) as state:
        with state.begin() as session:
            append_audit(session, actor="ann", action="said", subject="acme", body={}, at=NOW)
        made = write_backup(state, tmp_path / "acme.zip")
        assert made.rows["audit"] == 1
    with opened_state(europe) as state:
        assert list_audit(state) == []
        restore_backup(state, tmp_path / "acme.zip", "ann")
        assert len(list_audit(state)) == 2
    with opened_state(acme) as state:
        assert [line.subject for line in list_audit(state)] == ["acme"]
