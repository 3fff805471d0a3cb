"""Vectors of another encoder for the photos that are there, beside the ones that answer meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from ...data import paths
from ...data.catalog.records import NEVER_SEEN
from ...errors import FolderError, Stopped
from .pipeline import Job, Pipeline, Tally, Tick


def encode_missing(pipeline: Pipeline, progress: Callable[[Tick], None] = lambda _: None) -> Tally:
    """Encode every content that the pipeline's encoder has no vector of; a stopped run resumes.

    Photos that cannot be read now stay as they are until the end, so that the old encoder still finds them; then they
    are recorded as failed, and tried again by every index run.

    Raises FolderError, before any work, if a root is offline: its photos could not be found afterwards. Raises Stopped.
    """
    roots = {root.id: root for root in pipeline.catalog.roots.all()}
    for root in roots.values():
        if root.photos and not os.path.isdir(root.path):
            raise FolderError(
                f"{paths.display(root.path)} is offline, so its {root.photos} photos cannot be encoded.",
                "Connect its disk and run this again.",
            )
    jobs = [
        Job(roots[root_id], path, stat, is_new=False, hash_before=content_hash)
        for root_id, path, stat, content_hash in pipeline.catalog.photos.without_vector(pipeline.encoder_id)
    ]
    tally = Tally()
    unreadable = pipeline.run(jobs, None, tally, progress, record_failures=False)
    if tally.stopped:
        raise Stopped
    pipeline.catalog.changes.commit([replace(entry, stat=NEVER_SEEN) for entry in unreadable], {}, pipeline.encoder_id)
    return tally
