"""Raw tables on Snowflake: log in, ship settled rows, keep the books. Judges no line itself."""
