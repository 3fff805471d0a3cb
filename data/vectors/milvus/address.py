"""Where a Milvus is and how its collections are arranged: the setting `vectors`, read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from ....errors import UsageError

PORT = 19530

INDEXES = ("FLAT", "HNSW", "IVF_SQ8", "DISKANN")

OPTIONS = {"index", "tls"}


@dataclass(frozen=True, slots=True)
class Address:
    """A Milvus, and the beginning of the names of our collections there.

    `index` is one of INDEXES, or empty: FLAT while a library is small, HNSW when it is large.
    """

    host: str
    port: int
    collection: str
    user: str = ""
    password: str = field(default="", repr=False)
    index: str = ""
    tls: bool = False

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Read `milvus://user:password@host:19530/collection?index=HNSW&tls=true`. Raises UsageError."""
        parts = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        index = options.get("index", "").upper()
        if unknown := options.keys() - OPTIONS:
            raise UsageError(
                f"The setting vectors has no option {min(unknown)}.", f"There are {' and '.join(sorted(OPTIONS))}."
            )
        if index and index not in INDEXES:
            raise UsageError(f"The setting vectors names no index of ours: {index}.", f"Use {', '.join(INDEXES)}.")
        return cls(
            parts.hostname or "",
            parts.port or PORT,
            parts.path.strip("/"),
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            index,
            options.get("tls", "").lower() in {"1", "true", "yes"},
        )

    @property
    def uri(self) -> str:
        """As pymilvus wants it, without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"
