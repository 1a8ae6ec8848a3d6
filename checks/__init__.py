"""The quality gate: Great Expectations suites as data, a result per document, the report."""
