"""Owns the database: DDL, load, publish. Never invents a row, never computes a KPI."""
