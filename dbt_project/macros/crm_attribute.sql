{# The canonical name of a field in the CRM's field histories. #}
{% macro crm_attribute(field) -%}
    case {{ field }}
        when 'StageName' then 'stage'
        when 'Amount' then 'amount'
        when 'CloseDate' then 'close_date'
        when 'CurrencyIsoCode' then 'currency'
        when 'Status' then 'status'
        when 'StartDate' then 'start_date'
        when 'EndDate' then 'end_date'
        when 'ContractTerm' then 'term_months'
        when 'Billing_Frequency__c' then 'billing_frequency'
        when 'Quantity__c' then 'quantity'
        when 'Unit_Price__c' then 'unit_price'
        when 'Discount_Percent__c' then 'discount_percent'
        when 'Start_Date__c' then 'start_date'
        when 'End_Date__c' then 'end_date'
        else lower({{ field }})
    end
{%- endmacro %}
