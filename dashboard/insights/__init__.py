"""The findings of a store: the command that makes them, and the page that shows them."""
