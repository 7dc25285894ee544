"""The autoencoder: preprocessing, network, training, weights, reconstruction."""
