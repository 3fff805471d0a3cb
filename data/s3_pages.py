"""Listing a bucket of S3 with all its keys, also those that obstore refuses: one page at a time, as XML.

obstore parses keys into paths and refuses a whole listing for one key that has an empty part, `.`, `..` or a control
character. It signs addresses, with the credentials and the region that it found; so it signs those of a listing here.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_plus, urlencode
from xml.etree import ElementTree

TIMEOUT_SECONDS = 20.0
"""Longest wait for the next bytes of the server."""
KEYS_AT_ONCE = 1000
VALID = timedelta(minutes=5)
UNUSED = "x-polyglance"
"""obstore adds `/` and a key to what it signs; S3 leaves a parameter with such a name unread."""


class Listed(NamedTuple):
    """An object as the server lists it: its key, size in bytes, when it was written, its ETag with quotes."""

    key: str
    size: int
    modified: datetime
    etag: str


def pages(store: Any, options: dict[str, Any], prefix: str) -> Iterator[list[Listed]]:
    """Yield the objects whose keys begin with `prefix`, up to KEYS_AT_ONCE at a time.

    `store` is obstore's store of the bucket, `options` its `client_options`. Raises OSError, ElementTree.ParseError,
    ValueError, or what obstore raises.
    """
    base = _sign(store).partition("?")[0].removesuffix("/" + UNUSED)
    token: str | None = None
    while True:
        query = {"list-type": "2", "encoding-type": "url", "prefix": prefix, "max-keys": str(KEYS_AT_ONCE)}
        query |= {"continuation-token": token} if token else {}
        listing = import_module("obstore.store").S3Store.from_url(
            f"s3://{store.config['bucket']}",
            endpoint=f"{base}?{urlencode(query, quote_via=quote, safe='')}&{UNUSED}=",
            virtual_hosted_style_request=True,
            client_options=options,
        )
        with urllib.request.urlopen(_sign(listing), timeout=TIMEOUT_SECONDS) as answer:
            document = ElementTree.parse(answer).getroot()
        for element in document.iter():
            element.tag = element.tag.rpartition("}")[2]
        if document.tag != "ListBucketResult":
            raise ValueError("the answer is no listing")
        is_encoded = document.findtext("EncodingType") == "url"
        yield [_listed(each, is_encoded=is_encoded) for each in document.iterfind("Contents")]
        token = document.findtext("NextContinuationToken")
        if document.findtext("IsTruncated") != "true" or not token:
            return


def _sign(store: Any) -> str:
    return str(import_module("obstore").sign(store, "GET", UNUSED, VALID))


def _listed(entry: Any, *, is_encoded: bool) -> Listed:
    key = entry.findtext("Key", "")
    return Listed(
        unquote_plus(key, errors="strict") if is_encoded else key,
        int(entry.findtext("Size", "")),
        datetime.fromisoformat(entry.findtext("LastModified", "")),
        entry.findtext("ETag", ""),
    )
