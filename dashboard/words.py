"""How populations are called on screen."""

from .state import ALL

# On a switch, where space is short.
POPULATION_LABELS = {
    "science": "Science targets",
    "gated": "Gated out",
    "unknown": "Unknown status",
    ALL: "All populations",
}
# After a number.
POPULATION_PHRASES = {
    "science": "science targets",
    "gated": "gated-out objects",
    "unknown": "objects of unknown status",
    ALL: "objects of all populations",
}
