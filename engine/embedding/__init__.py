"""The map: UMAP of the latents, clusters in latent space."""
