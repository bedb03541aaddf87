-- Every save in the history of a contract line that changed what is sold is an amendment; histories of lines that are gone
-- are left out.
with saves as (
    select distinct histories.contract_line_id, histories.changed_at
    from {{ ref('stg_salesforce__contract_line_histories') }} as histories
    inner join {{ ref('stg_salesforce__contract_lines') }} as lines
        on histories.contract_line_id = lines.contract_line_id
    where
        histories.field in (
            'Quantity__c', 'Unit_Price__c', 'Discount_Percent__c', 'Start_Date__c', 'End_Date__c'
        )
)

select
    coalesce(saves.contract_line_id, amendments.contract_line_id) as contract_line_id,
    coalesce(saves.changed_at, amendments.changed_at) as changed_at
from saves
full outer join {{ ref('contract_amendments') }} as amendments
    on saves.contract_line_id = amendments.contract_line_id and saves.changed_at = amendments.changed_at
where saves.contract_line_id is null or amendments.contract_line_id is null
