"""A person forgotten: found, blanked, kept away, certified."""
