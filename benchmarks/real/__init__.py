"""Real spectra of several surveys, scored: `python -m benchmarks.real` writes docs/real-data.md."""
