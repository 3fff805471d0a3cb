"""The server: who is served, and within which limits."""
