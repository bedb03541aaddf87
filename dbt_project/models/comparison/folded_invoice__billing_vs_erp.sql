{{ folded_totals(ref('invoice__billing'), ref('unlike_invoice__billing_vs_erp'), 'total_minor') }}
