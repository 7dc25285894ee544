"""The simulator beside real spectra: `python -m benchmarks.realism` writes docs/simulation.md."""
