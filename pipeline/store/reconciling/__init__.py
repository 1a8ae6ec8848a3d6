"""What maintenance asks of the database, page by page, and how it mends what it finds."""
