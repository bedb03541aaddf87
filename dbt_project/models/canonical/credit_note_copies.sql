{{ erp_copies(ref('credit_note__erp'), ref('credit_note__billing'), 'credit_note_id', 'manual') }}
