"""How reliable it is, measured: success over mixed documents, recovery after deaths, variation."""
