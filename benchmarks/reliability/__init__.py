"""How reliable it is, measured: success, recovery after deaths and disasters, variation."""
