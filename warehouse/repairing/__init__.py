"""Refused lines to an editor and back."""
