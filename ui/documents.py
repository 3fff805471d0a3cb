"""What the page and the HTTP API say of photos and the library, as JSON documents."""

from __future__ import annotations

from typing import Any

from ..data import paths
from ..data.records import PhotoRecord
from ..library import Status


def photo(record: PhotoRecord) -> dict[str, Any]:
    """Everything the library knows about one photo; sizes in pixels and bytes, the path as printable text."""
    facts = record.facts
    return {
        "id": record.id,
        "path": paths.display(record.path),
        "width": record.width,
        "height": record.height,
        "format": record.format,
        "size": record.size,
        "taken_at": facts.taken_at,
        "camera": facts.camera,
        "lens": facts.lens,
        "latitude": facts.latitude,
        "longitude": facts.longitude,
        "caption": facts.caption,
        "keywords": list(facts.keywords),
    }


def status(found: Status) -> dict[str, Any]:
    """`{photos, failed, roots: [{path, state, photos}], encoder, dimension, index, generation, watch}`."""
    encoder = found.encoder
    return {
        "photos": found.photos,
        "failed": len(found.failures),
        "roots": [
            {"path": paths.display(root.path), "state": state, "photos": root.photos} for root, state in found.roots
        ],
        "encoder": encoder.name if encoder else None,
        "dimension": encoder.dimension if encoder else None,
        "index": "exact",
        "generation": found.generation,
        "watch": None,
    }
