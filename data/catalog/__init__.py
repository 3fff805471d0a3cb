"""The catalog: everything that is known of photos. All SQL is in this room, on SQLAlchemy."""
