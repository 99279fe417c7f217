"""The marts against the generator's answer key: question, expected, found."""
