"""Vectors of another encoder for all photos, made beside the vectors that answer meanwhile."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from ...data import objects, paths
from ...data.catalog.records import NEVER_SEEN
from ...errors import FolderError, Stopped
from ...progress import Progress, silent
from .pipeline import Pipeline
from .prepared import Job
from .report import Tally


def encode_missing(pipeline: Pipeline, progress: Progress = silent) -> Tally:
    """Encode every content that has no vector of the pipeline's encoder yet; after a stop, the next call resumes.

    Photos that cannot be read stay as they are until the end, so that searches with the old encoder still find them.
    Then they are recorded as failed, and every index run tries them again.

    Raises FolderError, before any work, if a root with such photos is offline: the new encoder would not find them.
    Raises Stopped if the run was asked to stop.
    """
    roots = {root.id: root for root in pipeline.catalog.roots.all()}
    jobs = [
        Job(roots[root_id], path, stat, is_new=False, hash_before=content_hash)
        for root_id, path, stat, content_hash in pipeline.catalog.photos.without_vector(pipeline.encoder_id)
    ]
    for root_id, count in Counter(job.root.id for job in jobs).items():
        if not objects.is_folder(folder := roots[root_id].path):
            raise FolderError(
                f"{paths.display(folder)} is offline, so {count} of its photos cannot be encoded.",
                "Connect its disk and run this again.",
            )
    tally = Tally()
    unreadable = pipeline.run(jobs, None, tally, progress, record_failures=False)
    if tally.stopped:
        raise Stopped
    pipeline.catalog.changes.commit([replace(entry, stat=NEVER_SEEN) for entry in unreadable], {}, pipeline.encoder_id)
    return tally
