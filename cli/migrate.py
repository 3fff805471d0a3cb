"""`migrate`: copying a library to another folder, a database, another engine of vectors, or back from them."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Common, JsonOption, LibraryOption, wants_json
from .output import note, print_json, printable, progress_bar
from .stopping import stoppable

if TYPE_CHECKING:
    from ..library.migrating import Migration


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(migrate)


def migrate(
    context: typer.Context,
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", readable=False, help="The new library's folder.")],
    catalog: Annotated[
        str, typer.Option("--catalog", metavar="URL", help="Its catalog: postgresql+psycopg://user@host/db")
    ] = "",
    vectors: Annotated[
        str, typer.Option("--vectors", metavar="URL", help="Its vectors: milvus://host:19530/collection, or pgvector")
    ] = "",
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the library to other engines or another folder. Nothing is encoded; run it again to go on after a stop.

    Without --catalog and --vectors, catalog and vectors of the copy are in its folder (SQLite, FAISS).
    """
    from ..library import migrate as copy_library

    place = library or context.find_object(Common).library  # type: ignore[union-attr]
    with stoppable() as stop, progress_bar("Copying", "rows") as show:
        done = copy_library(to.expanduser(), catalog, vectors, folder=place, progress=show, stop=stop)
    if wants_json(context, as_json):
        from ..answers.migrating import Migration as Document

        print_json(Document.from_migration(done))
    else:
        print_migration(done)


def print_migration(done: Migration) -> None:
    """Print what the copy has, and how to use it."""
    rows, files = {name: table.rows for name, table in done.tables.items()}, done.files.files
    sent = "" if done.sent is None else f" {done.sent} vectors are in {done.engine}."
    typer.echo(
        f"{printable(done.settings.library)} has {rows['photo']} photos, {rows['vector']} vectors,"
        f" {rows['favourite']} favourites, {files} files; all rows were compared ({done.seconds:.1f} s).{sent}"
    )
    shown = done.settings.without_passwords()
    variables = {"LIBRARY": os.fspath(shown.library), "CATALOG": shown.catalog_url}
    if done.settings.vectors:
        variables["VECTORS"] = re.sub("//[^@/]*@", "//USER:PASSWORD@", done.settings.vectors.get_secret_value())
    note(
        "To use it: "
        + " ".join(f"POLYGLANCE_{name}={shlex.quote(value)}" for name, value in variables.items() if value)
    )
