"""How good a score is, judged by anomalies that were put in."""
