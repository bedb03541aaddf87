-- Every contract that was won and activated has exactly one present end of term.
select contracts.contract_id, count(renewals.contract_id) as ends
from {{ ref('contracts') }} as contracts
left join {{ ref('contract_renewals') }} as renewals
    on contracts.contract_id = renewals.contract_id and contracts.end_date = renewals.term_end_date
where contracts.is_won and contracts.status <> 'draft' and contracts.end_date is not null
group by contracts.contract_id
having count(renewals.contract_id) <> 1
