"""From nearest vectors to the photos of an answer, in order."""
