"""Chooses what must be read with a passage: the rest of its clause, terms, exclusions, limits.

A clause that promises a benefit is not the whole answer: an exclusion elsewhere may take it away.
Everything here is computed from the document's own chunks when the question is asked, so it holds
for documents of any age and cannot be out of date.
"""
