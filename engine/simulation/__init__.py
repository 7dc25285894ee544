"""A simulated survey: spectra as a pure function of (generator version, seed, TARGETID)."""
