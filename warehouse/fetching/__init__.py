"""CSV files over HTTP to the landing folder; nothing here knows the database."""
