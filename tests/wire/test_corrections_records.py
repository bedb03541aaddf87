"""Records that a system lacks are made over the wire, once, and put out of use again."""

import pytest

from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import compensate
from reconcilers.state import open_state
from reconcilers.state.views import list_corrections
from tests.correction_samples import at, context, drift, missing_customer, plan_into
from tests.wire.test_corrections_fields import send
from tests.wire.vendors import LONG_AGO


@pytest.fixture
def state():
    opened = open_state("sqlite://")
    plan_into(
        opened,
        drift(missing_customer("CUS-MISS-01"), missing_customer("CUS-MISS-02")),
        context(),
        at(0, 3),
    )
    waiting = [view.correction_id for view in list_corrections(opened, states=("proposed",))]
    approve(opened, waiting, "ann", "yes", at(0, 4))
    yield opened
    opened.close()


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
    ids = [view.correction_id for view in list_corrections(state)]
    undone = [one.correction_id for one in compensate(state, ids, "ben", "wrong", at(0, 10))]
    approve(state, undone, "ann", "", at(0, 11))
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
