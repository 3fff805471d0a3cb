"""The index of words in PostgreSQL: its tables, functions and triggers.

Tokens are put into a tsvector as they are, so that no parser of PostgreSQL changes them. A gap between the columns
keeps a phrase in one column; the letters say which column a token is in. `words_size` keeps the numbers that the order
of matches needs.
"""

from __future__ import annotations

LONGEST_TOKEN = 500
"""Characters; the server's limit is 2046 bytes."""

LETTERS = {"name": "A", "folder": "B", "caption": "C", "keyword": "D"}
_COUNTS = {name: f"cardinality(string_to_array({name}, ' '))" for name in LETTERS}
_TOKENS = " UNION ALL ".join(
    f"SELECT token, '{letter}', place"
    + "".join(f" + 1 + {_COUNTS[before]}" for before, other in LETTERS.items() if other < letter)
    + f" FROM unnest(string_to_array({name}, ' ')) WITH ORDINALITY AS {name}_(token, place)"
    for name, letter in LETTERS.items()
)

_LEXEME = (
    rf"'''' || replace(replace(left(token, {LONGEST_TOKEN}), '\', '\\'), '''', '''''') || ''':'"
    " || least(place, 16383) || letter"
)

WORDS_SCHEMA = (
    "CREATE FUNCTION words_document(name text, folder text, caption text, keyword text) RETURNS tsvector"
    " LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT coalesce(string_agg("
    + _LEXEME
    + ", ' '), '')::tsvector FROM ("
    + _TOKENS
    + ") AS all_(token, letter, place) $$",
    "CREATE TABLE words ("
    "rowid bigint PRIMARY KEY REFERENCES photo (id) ON DELETE CASCADE ON UPDATE CASCADE,"
    ' name text COLLATE "C" NOT NULL, folder text COLLATE "C" NOT NULL,'
    ' caption text COLLATE "C" NOT NULL, keyword text COLLATE "C" NOT NULL,'
    " document tsvector GENERATED ALWAYS AS (words_document(name, folder, caption, keyword)) STORED,"
    f" tokens bigint GENERATED ALWAYS AS ({' + '.join(_COUNTS.values())}) STORED)",
    "CREATE INDEX words_document ON words USING gin (document)",
    "CREATE TABLE words_size (photos bigint NOT NULL, tokens bigint NOT NULL)",
    "INSERT INTO words_size VALUES (0, 0)",
    "CREATE FUNCTION words_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE words_size SET"
    " photos = photos + (SELECT count(*) FROM changed),"
    " tokens = tokens + (SELECT coalesce(sum(changed.tokens), 0) FROM changed); RETURN NULL; END $$",
    "CREATE FUNCTION words_dropped() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE words_size SET"
    " photos = photos - (SELECT count(*) FROM changed),"
    " tokens = tokens - (SELECT coalesce(sum(changed.tokens), 0) FROM changed); RETURN NULL; END $$",
    "CREATE FUNCTION words_failed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " DELETE FROM words WHERE rowid = new.id; RETURN NULL; END $$",
    "CREATE TRIGGER words_added AFTER INSERT ON words REFERENCING NEW TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION words_added()",
    "CREATE TRIGGER words_dropped AFTER DELETE ON words REFERENCING OLD TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION words_dropped()",
    "CREATE TRIGGER words_failed AFTER UPDATE OF error ON photo FOR EACH ROW WHEN (new.error IS NOT NULL)"
    " EXECUTE FUNCTION words_failed()",
)
"""Words go with their photo, and when it fails."""
