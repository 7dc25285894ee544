"""Spectra of real surveys, read onto the three arms of DESI."""
