"""How a selection differs from the rest, column by column."""
