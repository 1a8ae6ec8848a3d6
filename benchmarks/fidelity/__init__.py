"""How true the reading of PDFs is: rows, words, neighbors and pages, beside other readers."""
