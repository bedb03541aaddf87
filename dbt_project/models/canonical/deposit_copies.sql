{{ erp_copies(ref('deposit__erp'), ref('payout__billing'), 'payout_id', 'manual') }}
