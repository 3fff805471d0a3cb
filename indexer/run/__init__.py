"""One index run: read, encode, commit, forget what is gone."""
