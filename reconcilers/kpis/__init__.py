"""Key figures of a night: what they mean is in the seed kpis, their history in the state store."""
