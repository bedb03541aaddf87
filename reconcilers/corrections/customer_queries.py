"""The plan's facts about customers whose records are corrected, as SQL over the warehouse."""

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
"""
