"""What happened in the business: the log of it, and its publication as CloudEvents."""
