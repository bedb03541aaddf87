"""Records that a system lacks are made over the wire, once, and put out of use again."""

import pytest

from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import compensate
from reconcilers.state import open_state
from reconcilers.state.views import list_corrections
from tests.correction_samples import at, plan_into
from tests.drift_samples import drift, missing_customer, unpapered, unsigned_edit
from tests.plan_facts import context
from tests.wire.test_corrections_fields import send
from tests.wire.vendors import LONG_AGO


@pytest.fixture
def state():
    opened = agreed(missing_customer("CUS-MISS-01"), missing_customer("CUS-MISS-02"))
    yield opened
    opened.close()


def agreed(*findings):
    """A state store in which somebody said yes to what is planned for these."""
    opened = open_state("sqlite://")
    plan_into(opened, drift(*findings), context(), at(0, 3))
    agree(opened, 4)
    return opened


def agree(state, hour):
    """Two people say yes, where it takes two."""
    waiting = [view.correction_id for view in list_corrections(state, states=("proposed",))]
    said = approve(state, waiting, "ann", "yes", at(0, hour))
    left = [one.correction_id for one in said if one.still_needed]
    approve(state, left, "eve", "yes", at(0, hour))


def undone(state):
    ids = [view.correction_id for view in list_corrections(state)]
    compensate(state, ids, "ben", "wrong", at(0, 10))
    agree(state, 11)


def billed(company):
    customer = {"id": "cus_N", "created": int(LONG_AGO.timestamp()), "metadata": {}}
    company.store.put_many("stripe", "customer", [customer | {"name": "Acme Ltd"}])


def made(company):
    (account,) = company.store.rows("salesforce", "Account", Q2C_Customer_Key__c="cus_1")
    (customer,) = company.store.rows("netsuite", "customer", externalid="q2c_cus_1")
    return account, customer


def test_customers_are_made_of_what_billing_knows_and_put_out_of_use(company, state):
    billed(company)
    assert send(company, state) == {"accepted": 2}
    account, customer = made(company)
    assert (account["Name"], account["Stripe_Customer_Id__c"]) == ("Acme Ltd", "cus_N")
    assert (customer["companyname"], customer["subsidiary"]) == ("Acme Ltd", "2")
    assert (customer["custentity_stripe_id"], customer["isinactive"]) == ("cus_N", "F")
    assert customer["billcountry"] == "GB"
    undone(state)
    assert send(company, state) == {"accepted": 2}
    account, customer = made(company)
    assert (account["Type"], account["Stripe_Customer_Id__c"]) == ("Inactive", None)
    assert customer["isinactive"] == "T"


def test_an_account_that_the_orgs_duplicate_rules_know_is_not_made(company, state):
    billed(company)
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), LONG_AGO)
    alike = {"Id": "001Sb000000000AIAQ", "Name": "Acme Ltd", "BillingCountryCode": "GB"}
    company.store.put_many("salesforce", "Account", [alike | stamps | {"IsDeleted": False}])
    company.store.set_meta(
        "salesforce_duplicate_rules", {"Account": ["Name", "BillingCountryCode"]}
    )
    assert send(company, state) == {"accepted": 1, "dead": 1}
    (dead,) = list_corrections(state, states=("dead",))
    assert (
        dead.code,
        company.store.rows("salesforce", "Account", Q2C_Customer_Key__c="cus_1"),
    ) == (
        "CUS-MISS-01",
        [],
    )


def test_sales_is_asked_for_paper_once_and_the_opportunity_is_closed_as_lost(company):
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), LONG_AGO)
    account = {"Id": "001Sb0000000001IAA", "Name": "Acme", "IsDeleted": False}
    company.store.put_many("salesforce", "Account", [account | stamps])
    sold = {"id": "sub_N", "status": "active", "created": int(LONG_AGO.timestamp())}
    sold |= {"customer": "cus_N", "items": {"data": []}}
    company.store.put_many("stripe", "subscription", [sold])
    state = agreed(unpapered())
    assert send(company, state) == {"accepted": 1}
    (asked,) = company.store.rows("salesforce", "Opportunity", Q2C_Key__c="unpapered_sub_N")
    assert (asked["Name"], asked["Amount"], asked["IsClosed"]) == (
        "Unpapered sub_N",
        "1188",
        False,
    )
    undone(state)
    assert send(company, state) == {"accepted": 1}
    (asked,) = company.store.rows("salesforce", "Opportunity", Q2C_Key__c="unpapered_sub_N")
    assert (asked["StageName"], asked["IsClosed"], asked["IsWon"]) == ("Closed Lost", True, False)
    state.close()


def test_an_unsigned_edit_is_taken_back_and_made_again(company):
    dates = ("CreatedDate", "LastModifiedDate", "SystemModstamp", "Effective_At__c")
    stamps = dict.fromkeys(dates, LONG_AGO)
    line = {"Id": "a01Sb0000000001IAA", "Quantity__c": "10", "Unit_Price__c": "10.59"}
    company.store.put_many("salesforce", "Contract_Line__c", [line | stamps | {"IsDeleted": False}])
    state = agreed(unsigned_edit())
    assert send(company, state) == {"accepted": 1}
    assert line_of(company) == ("10", "9.9")
    undone(state)
    assert send(company, state) == {"accepted": 1}
    assert line_of(company) == ("10", "10.59")
    state.close()


def line_of(company):
    line = company.store.get("salesforce", "Contract_Line__c", "a01Sb0000000001IAA")
    return line["Quantity__c"], line["Unit_Price__c"]
