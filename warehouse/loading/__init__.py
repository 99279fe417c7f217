"""Landing files to raw tables: bytes to lines, lines to records, records judged and counted."""
