"""Each known trap of a vendor is seen when it is set, and nothing is said when it is not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from extractors.registry import SOURCES
from extractors.sandbox import reference
from extractors.sandbox.netsuite_account import set_up_account
from extractors.sandbox.salesforce_org import set_up_org
from extractors.sandbox.stripe_caller import RESOURCES, RESTRICTED_KEYS
from extractors.sandbox.stripe_events import DEFAULT_VERSION
from extractors.sandbox.stripe_reads import SETTINGS
from orchestration.connections import variable_of
from orchestration.doctor import as_json, examine, traps
from orchestration.settings import load_settings
from tests.wire.vendors import NIGHT, running

READS = "rk_live_reads"


@pytest.fixture(scope="module")
def well(tmp_path_factory, vendor_secrets):
    """A company whose systems are set up as they should be, with credentials that only read."""
    home = tmp_path_factory.mktemp("doctor")
    with running(home, vendor_secrets) as vendors:
        store = vendors.store
        for table, rows in reference.netsuite_rows("2026-01-01 00:00:00").items():
            store.put_many("netsuite", table, rows)
        store.put_many("netsuite", "accountingperiod", reference.accounting_periods(2026, 2026))
        store.set_meta(
            RESTRICTED_KEYS, {READS: dict.fromkeys([*RESOURCES.values(), *EXTRA], "read")}
        )
        yield vendors


EXTRA = (
    "customer", "product", "coupon", "subscription", "invoice", "charge", "dispute", "event",
    "credit_note", "payout", "payment_intent", "plan", "balance", "billing_meter",
)  # fmt: skip


@pytest.fixture
def company(well):
    set_up_org(well.store, view_only=True, duplicate_rules=(), hides_setup=False, not_external=(),
               time_zone="America/New_York")  # fmt: skip
    set_up_account(well.store, view_only=True, absent=())
    well.store.set_meta(SETTINGS, {})
    well.store.set_meta(DEFAULT_VERSION, None)
    return well


def settings_of(vendors, **changed):
    environ = {
        variable_of(system, name): value
        for system in ("salesforce", "stripe", "netsuite")
        for name, value in vendors.settings[system].items()
    }
    own = {"TIEOUT_HOME": str(vendors.home / "home"), "STRIPE_API_KEY": READS}
    apart = {"STRIPE_WRITE_API_KEY": "rk_w", "SALESFORCE_WRITE_CLIENT_SECRET": "w",
             "NETSUITE_WRITE_CLIENT_ID": "w"}  # fmt: skip
    return load_settings({**environ, **own, **apart, **changed})


def found(vendors, system, *, now=NIGHT, **changed):
    told = traps(settings_of(vendors, **changed), system, now)
    return {one.subject: (one.level, one.detail) for one in told if not one.is_ok}


@pytest.mark.parametrize("system", ["salesforce", "stripe", "netsuite"])
def test_nothing_is_amiss_where_all_is_as_it_should_be(company, system):
    assert found(company, system) == {}


def test_duplicate_rules_that_may_refuse_a_new_account(company):
    set_up_org(company.store, duplicate_rules=("Standard:Account",))
    assert found(company, "salesforce") == {
        "duplicate rules": ("warning", "Standard (Account) may refuse what a correction makes")
    }


def test_duplicate_rules_that_the_user_may_not_see_are_unknown(company):
    set_up_org(company.store, hides_setup=True)
    level, told = found(company, "salesforce")["duplicate rules"]
    assert (level, "cannot be looked at" in told) == ("warning", True)


def test_an_external_id_without_the_flag(company):
    set_up_org(company.store, not_external=("Account.Q2C_Customer_Key__c",))
    assert found(company, "salesforce") == {
        "external ids": ("error", "Account.Q2C_Customer_Key__c is no unique external id")
    }


def test_an_org_in_a_time_zone_of_no_entity(company):
    set_up_org(company.store, time_zone="Australia/Perth")
    ((subject, (level, told)),) = found(company, "salesforce").items()
    assert (subject, level, "Australia/Perth" in told) == ("time zone", "warning", True)


def test_users_that_read_and_may_write(company):
    set_up_org(company.store, view_only=False)
    set_up_account(company.store, view_only=False)
    key = company.settings["stripe"]["api_key"]
    assert found(company, "salesforce").keys() == {"read-only user"}
    assert found(company, "netsuite").keys() == {"read-only role"}
    assert found(company, "stripe", STRIPE_API_KEY=key).keys() == {"read-only key"}


def test_dispatch_without_credentials_of_its_own(company):
    settings = replace(settings_of(company), write_override={})
    told = {one.subject: one.level for one in traps(settings, "stripe", NIGHT)}
    assert told["credentials for writing"] == "warning"


def test_payouts_by_hand_and_an_account_elsewhere(company):
    company.store.set_meta(SETTINGS, {"interval": "manual", "timezone": "Asia/Tokyo"})
    told = found(company, "stripe")
    assert told.keys() == {"automatic payouts"}
    assert told["automatic payouts"][0] == "error"
    company.store.set_meta(SETTINGS, {"timezone": "Australia/Perth"})
    assert found(company, "stripe").keys() == {"time zone"}


def test_account_settings_that_the_key_may_not_see_are_unknown(company):
    keys = company.store.meta(RESTRICTED_KEYS)
    narrow = {name: verb for name, verb in keys[READS].items() if name != "connected_account"}
    company.store.set_meta(RESTRICTED_KEYS, {**keys, "rk_live_narrow": narrow})
    told = found(company, "stripe", STRIPE_API_KEY="rk_live_narrow")
    assert told["account settings"][0] == "warning"


def test_events_of_another_version(company):
    company.store.set_meta(DEFAULT_VERSION, "2020-08-27")
    company.store.put("stripe", "customer", {"id": "cus_1", "object": "customer", "email": None})
    level, told = found(company, "stripe")["API version"]
    assert (level, "2020-08-27" in told) == ("warning", True)


def test_books_without_open_periods(company):
    closed = [{**row, "closed": "T"} for row in reference.accounting_periods(2026, 2026)]
    company.store.put_many("netsuite", "accountingperiod", closed)
    level, told = found(company, "netsuite")["accounting periods"]
    assert (level, "is closed" in told) == ("error", True)
    late = NIGHT.replace(year=2027)
    assert (
        "no period covers 2027-06-02 (today)"
        in found(company, "netsuite", now=late)["accounting periods"][1]
    )
    company.store.put_many("netsuite", "accountingperiod", reference.accounting_periods(2026, 2026))


def test_a_currency_that_nobody_declared(company):
    company.store.put("netsuite", "currency", {"id": "99", "symbol": "XTS", "currencyprecision": 2})
    assert found(company, "netsuite")["currencies"] == ("error", "XTS: not in currencies.csv")
    company.store.delete("netsuite", "currency", "99")


def test_entities_that_books_and_files_tell_otherwise(company, tmp_path):
    (tmp_path / "legal_entities.csv").write_text(
        "legal_entity,name,country_code,time_zone,functional_currency,tax_code\n"
        "US,A,US,America/Chicago,EUR,X\nFR,B,FR,Europe/Paris,EUR,X\n"
    )
    level, told = found(company, "netsuite", TIEOUT_CONFIG=str(tmp_path))["legal entities"]
    assert level == "error"
    assert "no subsidiary has the code FR" in told
    assert "legal_entities.csv lacks UK" in told
    assert "US: currency is USD, in legal_entities.csv EUR" in told
    assert "US: zone is America/New_York, in legal_entities.csv America/Chicago" in told


def test_a_file_that_lacks_a_column_ends_no_examination(company, tmp_path):
    (tmp_path / "legal_entities.csv").write_text("legal_entity,name\nUS,A\n")
    told = as_json(examine(settings_of(company, TIEOUT_CONFIG=str(tmp_path)), NIGHT))["findings"]
    wrong = {one["subject"] for one in told if one["level"] == "error"}
    assert {"company's files", *(f"{system}: set-up" for system in SOURCES)} <= wrong


def test_external_ids_of_somebody_else(company):
    row = {"id": "9001", "type": "CustInvc", "externalid": "shop-77"}
    company.store.put("netsuite", "transaction", row)
    level, told = found(company, "netsuite")["external ids"]
    assert (level, "such as shop-77" in told) == ("warning", True)
    company.store.delete("netsuite", "transaction", "9001")


def test_an_account_that_takes_no_tax_from_outside(company):
    set_up_account(company.store, absent=("invoice.taxDetails",))
    assert found(company, "netsuite")["tax override"][0] == "error"


def test_a_custom_field_that_is_not_there(company):
    set_up_account(company.store, absent=("customer.custentity_stripe_id",))
    level, told = found(company, "netsuite")["custom fields"]
    assert (level, "customer.custentity_stripe_id" in told) == ("warning", True)


@pytest.mark.parametrize(("minutes", "level"), [(1, "warning"), (10, "error")])
def test_a_clock_that_is_wrong(company, minutes, level):
    assert found(company, "salesforce", now=NIGHT + timedelta(minutes=minutes))["clock"][0] == level


def test_the_whole_examination_of_real_systems(company):
    told = as_json(examine(settings_of(company), NIGHT))
    by_subject = {one["subject"]: one for one in told["findings"]}
    assert told["healthy"] is False
    assert by_subject["your own company"]["level"] == "error"
    assert by_subject["sealing keys"]["level"] == "warning"
    assert by_subject["netsuite: accounting periods"]["level"] == "ok"
    assert all(one["remedy"] for one in told["findings"] if one["level"] != "ok")
