"""Measurements of the explorer: `python -m benchmarks` writes docs/benchmarks.md."""
