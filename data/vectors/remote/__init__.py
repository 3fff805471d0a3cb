"""Vectors that an engine searches, whichever it is: what follows the catalog, and the store over it."""
