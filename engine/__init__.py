"""What is true about spectra and catalogs. Never draws, never imports the dashboard."""
