"""The plan's facts about periods that were billed with other units or at another price, as SQL."""

from collections.abc import Mapping

import polars as pl

from reconcilers.corrections.billing_frames import OF_INVOICE, of_invoices

_TEXT, _WHOLE, _FLAG = pl.String(), pl.Int64(), pl.Boolean()
# What it counts and what was billed, with the invoice, what paid that (`payment_id` is one of its
# charges that did not fail), its subscription, price and discount.
# Instants are unix seconds, those of the meter whole minutes; `metered_quantity` is in whole units,
# `is_whole` says whether the meter counts no part of one.
USAGE_SCHEMAS: dict[str, dict[str, pl.DataType]] = {
    "used_periods": {
        "row_key": _TEXT,
        "line_id": _TEXT,
        "invoice_id": _TEXT,
        "invoice_status": _TEXT,
        "total_minor": _WHOLE,
        **OF_INVOICE,
        "payment_id": _TEXT,
        "customer_id": _TEXT,
        "subscription_id": _TEXT,
        "subscription_status": _TEXT,
        "is_ending": _FLAG,
        "item_id": _TEXT,
        "product_id": _TEXT,
        "currency": _TEXT,
        "tax_behavior": _TEXT,
        "tax_code": _TEXT,
        "meter_id": _TEXT,
        "starts": _WHOLE,
        "ends": _WHOLE,
        "metered_from": _WHOLE,
        "metered_until": _WHOLE,
        "metered_quantity": _WHOLE,
        "is_whole": _FLAG,
        "billed_quantity": _WHOLE,
        "rated_minor": _WHOLE,
        "billed_minor": _WHOLE,
        "billed_rated_minor": _WHOLE,
        "line_count": _WHOLE,
        "discount_minor": _WHOLE,
    },
}
USAGE_QUERIES: Mapping[str, str] = {
    "used_periods": f"""
        with told as (
            select told.row_key as told_by, ratings.*
            from reconciliation.drift as told
            join canonical.usage_ratings as ratings on told.owner_id = ratings.line_key
            where told.code in ('USG-QTY-01', 'USG-RATE-01')
        ),
        whole as ({of_invoices("select invoice_key from told")})
        select ratings.told_by as row_key, ratings.line_key as line_id, whole.*,
               invoices.status as invoice_status, invoices.total as total_minor, (
                   select max(charges.payment_id) from conformed.payment__billing as charges
                   where charges.invoice_id in (select invoice_key from told)
                     and charges.invoice_id = invoices.id and charges.status <> 'failed'
               ) as payment_id,
               invoices.customer as customer_id, subscriptions.id as subscription_id,
               subscriptions.status as subscription_status,
               coalesce(subscriptions.cancel_at_period_end, false)
               or subscriptions.cancel_at is not null
               or coalesce(subscriptions.pause_collection not in ('null', '{{}}'), false)
                   as is_ending,
               ratings.item_id, prices.product as product_id, invoices.currency,
               prices.tax_behavior, products.tax_code, prices.recurring_meter as meter_id,
               epoch(lines.service_start_at)::bigint as starts,
               epoch(lines.service_end_at)::bigint as ends,
               starts - starts % 60 as metered_from, ends - ends % 60 as metered_until,
               ratings.metered_quantity::bigint as metered_quantity,
               ratings.metered_quantity % 1 = 0 as is_whole, ratings.billed_quantity,
               ratings.rated_minor, ratings.billed_minor, ratings.billed_rated_minor,
               ratings.line_count, (
                   select cast(sum(each.discount_minor) as bigint)
                   from staging.stg_stripe__invoice_lines as each
                   where each.invoice_id in (select invoice_key from told)
                     and each.invoice_id = lines.invoice_id and each.price_id = lines.price_id
                     and each.subscription_item_id = lines.subscription_item_id
                     and each.service_start_at = lines.service_start_at
               ) as discount_minor
        from told as ratings
        join staging.stg_stripe__invoice_lines as lines on ratings.line_key = lines.invoice_line_id
        join raw.stripe__invoice as invoices on ratings.invoice_key = invoices.id
        join whole on invoices.id = whole.invoice_id
        join raw.stripe__price as prices on ratings.price_id = prices.id
        left join raw.stripe__product as products on prices.product = products.id
        left join raw.stripe__subscription as subscriptions
            on invoices.parent_subscription_details_subscription = subscriptions.id
    """,
}
