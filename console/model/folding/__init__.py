"""The alert feed as rows: grouped, filtered, ordered, and folded where it would flood the screen.

A storm (many arrivals of one kind) is one row with a count and a rate; what comes and goes is one row with a count,
also while it is gone. Every row has an id that stays, so that a cursor can stay with it.

A feed of 50,000 takes a while: `Folder.steps` pauses often, so that whoever runs it can give way or give up. What is
known of an alert is kept for as long as the alert is the same object, as it is from refresh to refresh; so a refresh
costs what has changed, and little more.
"""

from console.model.folding.bundles import STORM_SPAN
from console.model.folding.folder import Folder
from console.model.folding.values import (
    BY_GROUP,
    FLAT,
    Arrangement,
    Counts,
    Fold,
    Folded,
    Item,
    Row,
    Sort,
    label_names,
    rank_of,
)

__all__ = [
    "BY_GROUP",
    "FLAT",
    "STORM_SPAN",
    "Arrangement",
    "Counts",
    "Fold",
    "Folded",
    "Folder",
    "Item",
    "Row",
    "Sort",
    "label_names",
    "rank_of",
]
