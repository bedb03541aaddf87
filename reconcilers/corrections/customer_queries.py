"""The plan's facts about customers whose records are corrected or made, as SQL."""

from collections.abc import Mapping

import polars as pl

_TEXT, _WHOLE = pl.String(), pl.Int64()
# Billing customers that the CRM or the ERP lacks, with what a record of them is made of. Values are
# as billing has them, but for the company of ours and the currency of their documents. A `rival` is
# a record that may be the customer already.
MISSING_CUSTOMERS: dict[str, pl.DataType] = {
    "customer_id": _TEXT,
    "canonical_id": _TEXT,
    "name": _TEXT,
    "email": _TEXT,
    "street": _TEXT,
    "city": _TEXT,
    "postal_code": _TEXT,
    "country": _TEXT,
    "tax_id": _TEXT,
    "legal_entity": _TEXT,
    "currency": _TEXT,
    "document_entities": _WHOLE,
    "document_currencies": _WHOLE,
    "account_id": _TEXT,
    "accounts": _WHOLE,
    "erp_id": _TEXT,
    "erp_records": _WHOLE,
    "terms": _TEXT,
    "term_id": _TEXT,
    "crm_rival": _TEXT,
    "erp_rival": _TEXT,
}

_PLAIN = "nullif(regexp_replace(upper({}), '[^A-Z0-9]', '', 'g'), '')"
CUSTOMER_QUERIES: Mapping[str, str] = {
    "missing_customers": f"""
        with missing as (
            select distinct owner_id as customer_id, canonical_id
            from reconciliation.drift
            where code in ('CUS-MISS-01', 'CUS-MISS-02') and owner_system = 'stripe'
                and replica_id is null
        ),
        tax_ids as (
            select customer, value, {_PLAIN.format("value")} as plain
            from raw.stripe__tax_id
            qualify row_number() over (partition by customer order by created desc, id desc) = 1
        ),
        documents as (
            select customer_id, count(distinct legal_entity) as entities,
                   min(legal_entity) as legal_entity, count(distinct currency) as currencies,
                   min(currency) as currency
            from conformed.invoice__billing where not is_voided group by customer_id
        ),
        accounts as (
            select canonical_customer_id, min(source_id) as account_id, count(*) as records,
                   min(payment_terms_days) as terms_days
            from conformed.customer__crm where is_active group by canonical_customer_id
        ),
        erp as (
            select canonical_customer_id, min(source_id) as erp_id, count(*) as records,
                   min(payment_terms_days) as terms_days
            from conformed.customer__erp where is_active group by canonical_customer_id
        ),
        unsure as (
            select left_id as one, right_system as system, right_id as other
            from identity.review_queue
            union all
            select right_id, left_system, left_id from identity.review_queue
        ),
        -- what a record may say of a missing customer, as (what of, its value)
        signs as (
            select customer_id, 'id' as sign, customer_id as value from missing
            union all
            select customer_id, 'key', canonical_id from missing
            union all
            select missing.customer_id, 'tax id', tax_ids.plain
            from missing join tax_ids on missing.customer_id = tax_ids.customer
        ),
        borne as (
            select 'crm' as role, id, 'id' as sign, stripe_customer_id__c as value
            from raw.salesforce__account where not coalesce(isdeleted, false)
            union all
            select 'crm', id, 'key', q2c_customer_key__c
            from raw.salesforce__account where not coalesce(isdeleted, false)
            union all
            select 'crm', id, 'tax id', {_PLAIN.format("tax_id__c")}
            from raw.salesforce__account where not coalesce(isdeleted, false)
            union all
            select 'erp', id, 'id', custentity_stripe_id from raw.netsuite__customer
            union all
            select 'erp', id, 'id', externalid from raw.netsuite__customer
            union all
            select 'erp', id, 'key', regexp_extract(externalid, '^q2c_(.*)$', 1)
            from raw.netsuite__customer
            union all
            select 'erp', id, 'tax id', {_PLAIN.format("vatregnumber")} from raw.netsuite__customer
        ),
        rivals as (
            select signs.customer_id, borne.role, borne.id as rival
            from signs join borne on signs.sign = borne.sign and signs.value = borne.value
            union all
            select missing.customer_id,
                   case unsure.system when 'salesforce' then 'crm' else 'erp' end, unsure.other
            from missing
            join unsure on missing.customer_id = unsure.one
            where unsure.system in ('salesforce', 'netsuite')
        ),
        first_rivals as (
            select customer_id, min(rival) filter (where role = 'crm') as crm_rival,
                   min(rival) filter (where role = 'erp') as erp_rival
            from rivals group by customer_id
        )
        select wire.id as customer_id, missing.canonical_id, wire.name,
               nullif(wire.email, '') as email,
               wire.address_line1 as street, wire.address_city as city,
               wire.address_postal_code as postal_code, upper(wire.address_country) as country,
               tax_ids.value as tax_id,
               upper(coalesce(nullif(wire.metadata_legal_entity, ''), documents.legal_entity))
                   as legal_entity,
               upper(coalesce(documents.currency, wire.currency)) as currency,
               coalesce(documents.entities, 0) + coalesce(
                   (documents.legal_entity <> upper(wire.metadata_legal_entity))::int, 0
               ) as document_entities,
               coalesce(documents.currencies, 0) as document_currencies,
               accounts.account_id, coalesce(accounts.records, 0) as accounts,
               erp.erp_id, coalesce(erp.records, 0) as erp_records,
               case when erp.records = 1 and erp.terms_days = 0 then 'Due on receipt'
                    when erp.records = 1 then 'Net ' || erp.terms_days end as terms,
               terms.id as term_id, first_rivals.crm_rival, first_rivals.erp_rival
        from missing
        join raw.stripe__customer as wire on missing.customer_id = wire.id
        left join tax_ids on wire.id = tax_ids.customer
        left join documents on wire.id = documents.customer_id
        left join accounts on missing.canonical_id = accounts.canonical_customer_id
        left join erp on missing.canonical_id = erp.canonical_customer_id
        left join (
            select cast(daysuntilnetdue as bigint) as days, min(id) as id
            from raw.netsuite__term group by all having count(*) = 1
        ) as terms on accounts.records = 1 and accounts.terms_days = terms.days
        left join first_rivals on wire.id = first_rivals.customer_id
    """,
}

# More rows of `held_fields`: the invoices that have a billing id already that another one lacks.
INVOICE_IDS_TAKEN = """
        union all
        select 'netsuite', 'invoice', id, 'invoice_id', custbody_stripe_invoice_id,
               lastmodifieddate, postingperiod
        from raw.netsuite__transaction
        where type = 'CustInvc' and coalesce(voided, 'F') <> 'T'
            and custbody_stripe_invoice_id in (
                select owner_id from reconciliation.drift where code = 'CTL-XREF-01'
            )
            and id not in (select id from invoices)
"""
# More rows of `held_fields`, over its `told`: names, e-mail addresses and tax ids that are wrong.
PERSONAL_FIELDS_HELD = """
        union all
        select told.system, 'customer', told.record_id, said.attribute, nullif(said.value, ''),
               said.version, null
        from told
        join (
            select 'salesforce' as system, id, 'invoice_email' as attribute,
                   invoice_email__c as value, systemmodstamp as version
            from raw.salesforce__account
            union all
            select 'salesforce', id, 'tax_id', tax_id__c, systemmodstamp
            from raw.salesforce__account
            union all
            select 'stripe', id, 'legal_name', name, coalesce(_changed_at, created::varchar)
            from raw.stripe__customer
            union all
            select 'netsuite', id, 'legal_name', companyname, lastmodifieddate
            from raw.netsuite__customer
            union all
            select 'netsuite', id, 'invoice_email', email, lastmodifieddate
            from raw.netsuite__customer
            union all
            select 'netsuite', id, 'tax_id', vatregnumber, lastmodifieddate
            from raw.netsuite__customer
        ) as said on told.system = said.system and told.record_id = said.id
        where told.code = 'CUS-ATTR-01'
        union all
        -- as its owner spells it
        select 'stripe', 'customer', customer, 'tax_id', value, created::varchar, null
        from raw.stripe__tax_id
        where customer in (
            select owner_id from reconciliation.drift
            where code = 'CUS-ATTR-01' and attribute = 'tax_id'
        )
        qualify row_number() over (partition by customer order by created desc, id desc) = 1
"""
