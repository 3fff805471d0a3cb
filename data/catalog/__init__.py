"""The catalog: everything that is known of photos, on SQLAlchemy. All SQL stands in this room."""
