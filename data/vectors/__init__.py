"""Stores of vectors that follow the catalog: nearest neighbours among the vectors of one encoder."""
