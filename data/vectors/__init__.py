"""Nearest neighbours among the vectors of one encoder: FAISS, following the catalog."""
