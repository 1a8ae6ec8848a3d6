"""Terminal output: tables, progress, reports, errors."""
