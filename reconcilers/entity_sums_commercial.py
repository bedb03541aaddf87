"""What TO-EXT ties of price lists and of what is agreed for later: they are counted."""

from reconcilers.entity_sums import EntitySum, counted

_CRM = "staging.stg_salesforce__"
_BILLING = "staging.stg_stripe__"

COMMERCIAL: tuple[EntitySum, ...] = (
    counted(
        "price_version",
        "salesforce.pricebook_entry",
        f"{_CRM}pricebook_entries",
        "canonical.price_versions",
        where="role = 'crm' and is_current",
    ),
    counted(
        "price_tier",
        "salesforce.pricebook_entry",
        f"{_CRM}pricebook_entry_tiers",
        "canonical.price_tiers",
        where="role = 'crm' and is_current",
    ),
    counted(
        "price_version",
        "stripe.price",
        f"{_BILLING}prices",
        "canonical.price_versions",
        where="role = 'billing'",
    ),
    counted(
        "price_tier",
        "stripe.price",
        f"{_BILLING}price_tiers",
        "canonical.price_tiers",
        where="role = 'billing'",
    ),
    counted(
        "subscription_phase",
        "stripe.subscription_schedule",
        f"{_BILLING}schedule_phase_items",
        "canonical.subscription_phases",
    ),
)
