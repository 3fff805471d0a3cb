"""Run the example notebook over the sample pictures and write its outputs: `python scripts/notebook.py`.

The notebook is JSON, and its cells need nothing of Jupyter: this keeps its packages out of the dependencies.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import shutil
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parent.parent / "docs/examples/search.ipynb"
PICTURES = ("chelsea.png", "coffee.png", "horse.png", "moon.png", "motorcycle_left.png", "rocket.jpg")
FORMATS = {"text/html": "_repr_html_", "image/jpeg": "_repr_jpeg_", "text/plain": "__repr__"}


def main() -> None:
    """Write the notebook again, with its outputs."""
    from polyglance.data.sample import copy_sample

    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        (pictures := Path(folder, "Pictures")).mkdir()
        for path in copy_sample(Path(folder, "sample")):
            if path.name in PICTURES:
                shutil.move(path, pictures)
        os.environ |= {"HOME": folder, "POLYGLANCE_LIBRARY": str(Path(folder, "library")), "POLYGLANCE_ENCODER": "lite"}
        run(notebook)
    text = json.dumps(notebook, ensure_ascii=False, indent=1).replace(folder, "/home/me")
    NOTEBOOK.write_text(text + "\n", encoding="utf-8")


def run(notebook: dict[str, Any]) -> None:
    """Run the code cells in order, in one namespace, and put what they print and show into their outputs."""
    names: dict[str, Any] = {"__name__": "__main__"}
    code_cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(code_cells, start=1):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            value = evaluate("".join(cell["source"]), names)
        cell["execution_count"] = number
        cell["outputs"] = []
        if printed.getvalue():
            lines = printed.getvalue().splitlines(keepends=True)
            cell["outputs"].append({"name": "stdout", "output_type": "stream", "text": lines})
        if value is not None:
            data = {kind: shown for kind, method in FORMATS.items() if (shown := _show(value, method)) is not None}
            output = {"data": data, "execution_count": number, "metadata": {}, "output_type": "execute_result"}
            cell["outputs"].append(output)


def evaluate(source: str, names: dict[str, Any]) -> object:
    """Run the code of a cell; return the value of its last line if that is an expression, else None."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), names) if isinstance(last, ast.Expr) else None


def _show(value: object, method: str) -> list[str] | str | None:
    shown = getattr(value, method)() if hasattr(value, method) else None
    if isinstance(shown, bytes):
        return b64encode(shown).decode()
    return shown.splitlines(keepends=True) if isinstance(shown, str) else None


if __name__ == "__main__":
    main()
