"""What `anomaly-explorer bench` measures of a store: our steps, and the stock way beside them."""
