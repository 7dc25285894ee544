"""Findings about a whole population, each with its control, computed from a store."""
