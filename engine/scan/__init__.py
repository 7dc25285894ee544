"""A resumable scan: spectra on disk to catalog batches."""
