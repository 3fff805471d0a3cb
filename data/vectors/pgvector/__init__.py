"""The vectors of a library in PostgreSQL, beside its catalog, searched by pgvector."""
