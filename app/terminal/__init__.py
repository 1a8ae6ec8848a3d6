"""What a person sees on the terminal: tables, progress, reports, errors."""
