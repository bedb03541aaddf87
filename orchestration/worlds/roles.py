"""What the text columns of the raw zone mean to a copy of a company.

Only text and JSON are declared: amounts, dates and flags never name a record.
"""

from collections.abc import Mapping
from enum import StrEnum

from extractors.protocol import ObjectSpec
from extractors.registry import READ


class Role(StrEnum):
    """What becomes of a column in a copy."""

    SAME = "same"  # what it says is the same in every copy
    IDS = "ids"  # Stripe's and Salesforce's ids and payout traces, wherever they stand in it
    NUMBER = "number"  # NetSuite's internal ids, alone or before a line's number
    DOCUMENT = "document"  # a number that people read: each copy has a series of its own
    MEMO = "memo"  # what tells journals apart that book the same on the same day
    BANK = "bank"  # begins with a bank account
    NAME = "name"
    STREET = "street"
    HOST = "host"
    EMAIL = "email"
    TAX = "tax"


# What a company has once, however many customers it has.
SHARED: Mapping[str, frozenset[str]] = {
    "salesforce": frozenset({"product2", "pricebook_entry"}),
    "stripe": frozenset({"product", "price", "coupon", "meter"}),
    "netsuite": frozenset(
        {
            "term", "subsidiary", "currency", "account", "item", "accounting_period",
            "accounting_book", "exchange_rate", "tax_code",
        }
    ),
    "bank": frozenset(),
}  # fmt: skip

_HISTORY = {"ids": "id oldvalue newvalue", "same": "field createdbyid"}
_THREAD = "metadata_q2c_correlation_id metadata_crm_contract_id"

_ROLES: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "salesforce": {
        "account": {
            "ids": "id parentid masterrecordid q2c_customer_key__c stripe_customer_id__c",
            "number": "netsuite_customer_id__c",
            "name": "name",
            "host": "website",
            "street": "billingstreet",
            "tax": "tax_id__c",
            "email": "invoice_email__c",
            "same": "billingcity billingpostalcode billingcountrycode currencyisocode type "
            "payment_terms__c",
        },
        "opportunity": {
            "ids": "id accountid q2c_key__c contractid",
            "name": "name",
            "same": "stagename currencyisocode",
        },
        "contract": {
            "ids": "id accountid opportunity__c renews_contract__c",
            "document": "contractnumber",
            "same": "status legal_entity__c billing_frequency__c currencyisocode",
        },
        "contract_line": {
            "ids": "id contract__c",
            "same": "product__c price_period__c pricing_model__c currencyisocode",
        },
        "subscription": {
            "ids": "id account__c contract__c stripe_subscription_id__c",
            "document": "name",
            "same": "status__c",
        },
        "opportunity_history": {**_HISTORY, "ids": f"{_HISTORY['ids']} opportunityid"},
        "contract_history": {**_HISTORY, "ids": f"{_HISTORY['ids']} contractid"},
        "contract_line_history": {**_HISTORY, "ids": f"{_HISTORY['ids']} parentid"},
    },
    "stripe": {
        "customer": {
            "ids": "id metadata_crm_account_id",
            "number": "metadata_netsuite_customer_id",
            "name": "name",
            "street": "address_line1",
            "email": "email",
            "same": "account address_city address_postal_code address_country currency tax_exempt "
            "metadata_channel metadata_legal_entity",
        },
        "tax_id": {
            "ids": "id customer",
            "tax": "value",
            "same": "account type country verification_status",
        },
        "subscription": {
            "ids": f"id customer schedule items discounts metadata_crm_opportunity_id {_THREAD}",
            "same": "account status currency pause_collection collection_method "
            "metadata_legal_entity metadata_channel",
        },
        "subscription_schedule": {
            "ids": "id customer subscription released_subscription phases "
            f"metadata_crm_opportunity_id {_THREAD}",
            "same": "account end_behavior status metadata_legal_entity",
        },
        "invoice": {
            "ids": "id customer total_discount_amounts parent_subscription_details_subscription "
            f"lines {_THREAD}",
            "document": "number",
            "same": "account currency status billing_reason total_taxes metadata_legal_entity",
        },
        "invoiceitem": {
            "ids": "id customer metadata_q2c_correlation_id metadata_tieout_usage_line "
            "parent_subscription_details_subscription",
            "same": "account currency metadata_tieout_usage_units pricing_price_details_product",
        },
        "invoice_payment": {
            "ids": "id invoice payment_payment_intent payment_charge payment_payment_record",
            "same": "account currency status payment_type",
        },
        "credit_note": {
            "ids": "id invoice customer customer_balance_transaction refunds lines memo "
            "metadata_q2c_correlation_id",
            "document": "number",
            "same": "account type reason currency status total_taxes metadata_legal_entity",
        },
        "charge": {
            "ids": "id customer payment_intent balance_transaction failure_balance_transaction "
            "metadata",
            "same": "account currency status failure_code",
        },
        "refund": {
            "ids": "id charge payment_intent customer balance_transaction "
            "failure_balance_transaction metadata",
            "same": "account currency status reason failure_reason",
        },
        "dispute": {
            "ids": "id charge payment_intent balance_transactions metadata",
            "same": "account currency reason status",
        },
        "balance_transaction": {
            "ids": "id source",
            "same": "account currency type balance_type reporting_category fee_details",
        },
        "payout": {
            "ids": "id trace_id_value balance_transaction failure_balance_transaction "
            "original_payout reversed_by balance_transactions metadata",
            "same": "account currency status type method destination reconciliation_status "
            "trace_id_status failure_code",
        },
        "usage": {"ids": "id customer", "same": "account meter"},
    },
    "netsuite": {
        "customer": {
            "number": "id parent",
            "document": "entityid externalid",
            "ids": "custentity_stripe_id custentity_sfdc_id",
            "name": "companyname",
            "email": "email",
            "host": "url",
            "tax": "vatregnumber",
            "same": "subsidiary currency terms billcountry billzip",
        },
        "transaction": {
            "number": "id entity",
            "document": "tranid",
            "memo": "memo",
            "ids": "externalid custbody_stripe_invoice_id custbody_stripe_charge_id "
            "custbody_stripe_credit_note_id custbody_stripe_refund_id custbody_stripe_dispute_id "
            "custbody_stripe_payout_id custbody_q2c_correlation_id",
            "same": "type status postingperiod currency customform custbody_stripe_dispute_stage",
        },
        "transaction_line": {
            "number": "transaction",
            "ids": "custcol_stripe_line_id custcol_stripe_balance_id memo",
            "same": "id item subsidiary taxcode department class",
        },
        "transaction_accounting_line": {
            "number": "transaction",
            "same": "transactionline accountingbook account",
        },
        "transaction_link": {
            "number": "nextdoc previousdoc",
            "same": "nextline previousline linktype",
        },
        "revenue_plan": {
            "number": "id sourcetransaction",
            "same": "sourceline item currency rule",
        },
        "revenue_plan_line": {
            "number": "id revenueplan journal",
            "same": "postingperiod periodname",
        },
        # What is audited of a transaction are memos, amounts, dates, periods and accounts.
        "system_note": {"number": "id recordid", "same": "lineid field oldvalue newvalue name"},
    },
    "bank": {
        "statement": {"bank": "id account file", "same": "number currency proof"},
        "statement_line": {
            "bank": "id statement_id account file",
            "ids": "reference text",
            "same": "currency counterparty",
        },
    },
}


class UndeclaredError(Exception):
    """A text column of which nobody said what becomes of it in a copy."""


def roles_of(system: str, spec: ObjectSpec) -> dict[str, Role]:
    """The role of each text column of an object that is not shared.

    Raises:
        UndeclaredError: a column has no role, or a role is for a column that is not there.

    """
    declared = {
        column: Role(role)
        for role, columns in _ROLES.get(system, {}).get(spec.name, {}).items()
        for column in columns.split()
    }
    texts = {field.column for field in spec.fields if field.kind in {"text", "json"}}
    wrong = sorted(texts ^ declared.keys())
    if wrong:
        raise UndeclaredError(
            f"{system}.{spec.name}: {', '.join(wrong)}: say in orchestration/worlds/roles.py what "
            "becomes of each text column in a copy of the company"
        )
    return declared


def is_shared(system: str, name: str) -> bool:
    return name in SHARED[system]


def copied_objects() -> list[tuple[str, ObjectSpec]]:
    """Every object of a night of which each copy has its own."""
    return [
        (system, spec)
        for system, objects in READ.items()
        for spec in objects.values()
        if not is_shared(system, spec.name)
    ]
