"""Invents the world of KSCM: seeded, deterministic; writes files; never opens a database."""
