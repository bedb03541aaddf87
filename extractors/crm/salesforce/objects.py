"""What is pulled from Salesforce: fields in vendor spelling, landing in lower case.

Every column is text as REST sends it (numbers as exact decimal text without exponents, datetimes
as `2026-01-31T10:00:00.000+0000`), except booleans.
"""

from extractors.protocol import Field, ObjectSpec, declare

AUDIT_FIELDS = (
    *declare("CreatedDate", "LastModifiedDate", "SystemModstamp", kind="datetime", required=True),
    *declare("IsDeleted", kind="boolean"),
)


def _object(
    name: str,
    vendor_name: str,
    *fields: tuple[Field, ...],
    merged_into: str | None = None,
    keeps_versions: bool = False,
) -> ObjectSpec:
    declared = tuple(item for group in fields for item in group)
    return ObjectSpec(
        name=name,
        vendor_name=vendor_name,
        fields=(*declare("Id", required=True), *declared, *AUDIT_FIELDS),
        cursor="systemmodstamp",
        merged_into=merged_into,
        keeps_versions=keeps_versions,
    )


ACCOUNT = _object(
    "account",
    "Account",
    declare("Name", required=True),
    declare(
        "Website",
        "BillingStreet",
        "BillingCity",
        "BillingPostalCode",
        "BillingCountryCode",
        "CurrencyIsoCode",
        "ParentId",
        "Type",
        "MasterRecordId",
        "Tax_Id__c",
        "Invoice_Email__c",
        "Payment_Terms__c",
        "Q2C_Customer_Key__c",
        "Stripe_Customer_Id__c",
        "NetSuite_Customer_Id__c",
    ),
    declare("ARR__c", kind="decimal"),
    # A merge deletes an account and leaves it the id of the one that it went into.
    merged_into="masterrecordid",
)

PRODUCT2 = _object(
    "product2",
    "Product2",
    declare("Name", "ProductCode", "Family"),
    declare("IsActive", kind="boolean"),
)

PRICEBOOK_ENTRY = _object(
    "pricebook_entry",
    "PricebookEntry",
    declare("Product2Id", required=True),
    declare("UnitPrice", kind="decimal", required=True),
    declare("Tiers__c", "CurrencyIsoCode"),
    declare("IsActive", kind="boolean"),
    keeps_versions=True,
)

OPPORTUNITY = _object(
    "opportunity",
    "Opportunity",
    declare("AccountId", "Name", "StageName", "Q2C_Key__c"),
    declare("Amount", kind="decimal"),
    declare("CloseDate", kind="date"),
    declare("IsWon", "IsClosed", kind="boolean"),
    declare("ContractId", "CurrencyIsoCode"),
)

CONTRACT = _object(
    "contract",
    "Contract",
    declare("ContractNumber"),
    declare("AccountId", required=True),
    declare("Opportunity__c"),
    declare("Status", required=True, allowed=("Draft", "Activated", "Expired", "Cancelled")),
    declare("StartDate", "EndDate", kind="date"),
    declare("ContractTerm", kind="decimal"),
    declare("ActivatedDate", kind="datetime"),
    declare("Legal_Entity__c", "Billing_Frequency__c"),
    declare("Auto_Renew__c", kind="boolean"),
    declare("Renews_Contract__c"),
    declare("CurrencyIsoCode"),
)

CONTRACT_LINE = _object(
    "contract_line",
    "Contract_Line__c",
    declare("Contract__c", "Product__c", required=True),
    declare("Quantity__c", "Unit_Price__c", kind="decimal", required=True),
    declare("Price_Period__c", required=True, allowed=("Month", "Year")),
    declare("Discount_Percent__c", kind="decimal"),
    declare("Start_Date__c", "End_Date__c", kind="date"),
    declare("Effective_At__c", kind="datetime"),
    declare("Co_Termed__c", kind="boolean"),
    declare("Pricing_Model__c"),
    declare("CurrencyIsoCode"),
)

SUBSCRIPTION = _object(
    "subscription",
    "Subscription__c",
    declare("Name", "Account__c", "Contract__c", "Stripe_Subscription_Id__c"),
    declare(
        "Status__c",
        required=True,
        allowed=("Trial", "Active", "Past Due", "Paused", "Cancelled"),
    ),
    declare("Status_Changed_At__c", kind="datetime"),
)

# What was in a field before and after a change: of the type of that field.
ANY_TYPE = ("OldValue", "NewValue")


def _history(name: str, vendor_name: str, parent: str) -> ObjectSpec:
    """Changes of tracked fields. They never change themselves, and have no SystemModstamp."""
    return ObjectSpec(
        name=name,
        vendor_name=vendor_name,
        fields=(
            *declare("Id", parent, "Field", required=True),
            *declare(*ANY_TYPE, "CreatedById"),
            *declare("CreatedDate", kind="datetime", required=True),
            *declare("IsDeleted", kind="boolean"),
        ),
        cursor="createddate",
    )


OPPORTUNITY_HISTORY = _history("opportunity_history", "OpportunityFieldHistory", "OpportunityId")
CONTRACT_HISTORY = _history("contract_history", "ContractHistory", "ContractId")
CONTRACT_LINE_HISTORY = _history("contract_line_history", "Contract_Line__History", "ParentId")

OBJECTS: dict[str, ObjectSpec] = {
    spec.name: spec
    for spec in (
        ACCOUNT,
        PRODUCT2,
        PRICEBOOK_ENTRY,
        OPPORTUNITY,
        CONTRACT,
        CONTRACT_LINE,
        SUBSCRIPTION,
        OPPORTUNITY_HISTORY,
        CONTRACT_HISTORY,
        CONTRACT_LINE_HISTORY,
    )
}
