"""Scores, tiers and the gate."""
