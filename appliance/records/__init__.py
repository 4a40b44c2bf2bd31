"""Records: table definitions, the statements, the entry log over a database, and the fold."""
