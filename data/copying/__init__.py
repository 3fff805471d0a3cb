"""Copying a library to another place: the rows of its catalog, whatever database each is in, and its files."""
