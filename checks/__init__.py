"""The quality gate: Great Expectations suites as data, verdicts per document, the report."""
