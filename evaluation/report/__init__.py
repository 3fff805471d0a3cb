"""The report of a retrieval run, as JSON, Markdown and one self-contained HTML page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...config import Settings
from ...errors import DataError
from ..retrieval import RetrievalResult
from . import document, markdown, page


def write(result: RetrievalResult, figures: dict[str, Any], settings: Settings, folder: Path) -> list[Path]:
    """Write `report.json`, `report.md` and `report.html` into `folder`; return their paths. Raises DataError.

    `figures` are the figures of `result`, as `evaluate retrieval --json` prints them.
    """
    report = document.build(result, figures)
    texts = {
        "report.json": json.dumps(report, ensure_ascii=False, indent=2) + "\n",
        "report.md": markdown.render(report),
        "report.html": page.render(report, settings),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"The report cannot be written to {folder}: {error.strerror}.", "Name another folder."
        ) from error
    return [folder / name for name in texts]
