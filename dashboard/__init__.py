"""What a person sees and does. Computes nothing about spectra."""
