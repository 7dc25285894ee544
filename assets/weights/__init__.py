"""Trained weights as safetensors, each with its model card."""
