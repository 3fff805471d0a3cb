"""The choice of the database that the catalog is kept in; the docstring of `sqlite` says what a dialect provides."""

from __future__ import annotations

from . import sqlite as dialect

__all__ = ["dialect"]
