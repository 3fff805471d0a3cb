"""From what was asked to a query vector and filters."""
