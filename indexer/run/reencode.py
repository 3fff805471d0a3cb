"""Vectors of another encoder for all photos, made beside the vectors that answer meanwhile."""

from __future__ import annotations

import os
from dataclasses import replace

from ...data import paths
from ...data.catalog.records import NEVER_SEEN
from ...errors import FolderError, Stopped
from ...progress import Progress, silent
from .pipeline import Job, Pipeline
from .report import Tally


def encode_missing(pipeline: Pipeline, progress: Progress = silent) -> Tally:
    """Encode every content that has no vector of the pipeline's encoder yet; after a stop, the next call resumes.

    Photos that cannot be read stay as they are until the end, so that searches with the old encoder still find them.
    Then they are recorded as failed, and every index run tries them again.

    Raises FolderError, before any work, if a root is offline: the new encoder would not find its photos. Raises Stopped
    if the run was asked to stop.
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
