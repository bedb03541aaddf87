{{ erp_copies(ref('refund__erp'), ref('refund__billing'), 'refund_id', 'manual') }}
