"""The history of the state store's tables; run by `open_state`."""
