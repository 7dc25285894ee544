"""What people ask of all objects at once: expressions, virtual columns and statistics, by vaex."""
