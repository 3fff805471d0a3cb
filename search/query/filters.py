"""Filters of a query: from `name:value` as people write it to `data.catalog.filters.Filters`."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from ...data.catalog.filters import Filters, Inside
from ...data.catalog.records import RootRecord
from ...data.paths import display
from ...errors import QueryError
from ...languages.fold import fold
from . import filter_values as values

FilterValues: TypeAlias = Mapping[str, str | Sequence[str]]
"""Filter name -> value, or several values, as text."""

AddValue = Callable[[Filters, str], Filters]
"""(filters, value) -> the filters and this one. Raises QueryError if the value means nothing."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One `name:value` of a query; the name in lower case, the value as it was written."""

    name: str
    value: str


def make(filters: Iterable[Filter], roots: Sequence[RootRecord] = ()) -> Filters:
    """Combine the filters of a query; `root:` and `in:` refer to `roots`. Raises QueryError."""
    combined = Filters()
    root_texts = [(root.path, display(root.path)) for root in roots]
    for filter_ in filters:
        if filter_.name == "root":
            combined = replace(combined, roots=(*combined.roots, *_find_roots(filter_.value, root_texts)))
        elif filter_.name == "in":
            combined = replace(combined, inside=(*combined.inside, *_find_folders(filter_.value, root_texts)))
        else:
            combined = check(filter_)(combined, filter_.value)
    if combined.after is not None and combined.before is not None and combined.after >= combined.before:
        error = QueryError(f"No day is after {combined.after} and before {combined.before}.", "Check the two dates.")
        raise error.with_code("dates", after=combined.after, before=combined.before)
    return combined


def check(filter_: Filter) -> AddValue:
    """Return what adds this filter to others. Raises QueryError if its name is unknown or its value means nothing."""
    name, value = filter_.name, filter_.value
    if name not in _KINDS:
        similar = difflib.get_close_matches(name, NAMES, 1)
        guess = f"Did you mean {similar[0]}:? " if similar else ""
        raise QueryError(
            f"There is no filter {name}:.",
            f"{guess}The filters are {' '.join(known + ':' for known in NAMES)}; "
            f'put text in quotes: "{name}:{value[:20]}"',
        ).with_code("filter_unknown", name=name, quoted=f'"{name}:{value[:20]}"')
    add, example = _KINDS[name].add, _KINDS[name].example
    try:
        if not value.strip():
            raise QueryError(f"The filter {name}: has no value.", f"For example: {example}")
        add(Filters(), value)
    except QueryError as error:
        raise error.with_code("filter_value", filter=f"{name}:{value[:40]}", example=example) from None
    return add


def from_mapping(mapping: FilterValues) -> tuple[Filter, ...]:
    """Filters from a mapping, as Python and the command's options give them. Raises QueryError."""
    filters = tuple(
        Filter(name.lower(), value)
        for name, texts in mapping.items()
        for value in ([texts] if isinstance(texts, str) else texts)
    )
    for filter_ in filters:
        check(filter_)
    return filters


def _find_roots(value: str, root_texts: Sequence[tuple[bytes, str]]) -> tuple[bytes, ...]:
    """Paths of the roots with this path, or whose path ends with these folder names."""
    expected = fold(value).rstrip("/\\")
    end = "/" + expected.lstrip("/")
    folded = [(path, fold(text)) for path, text in root_texts]
    matching = tuple(path for path, text in folded if text == expected or text.replace("\\", "/").endswith(end))
    if not matching:
        error = QueryError(f"root:{value[:60]} is no folder of this library.", "'polyglance status' lists them.")
        raise error.with_code("folder_unknown", folder=value[:60])
    return matching


def _find_folders(value: str, root_texts: Sequence[tuple[bytes, str]]) -> tuple[Inside, ...]:
    """The folders with this path, which begins with the path of a root or with the root's name."""
    path = value.replace(os.altsep, os.sep) if os.altsep else value
    path = path.rstrip(os.sep) + os.sep
    folders = [
        Inside(root, path[len(prefix) :].rstrip(os.sep))
        for root, text in root_texts
        for prefix in _path_prefixes(text)
        if path.startswith(prefix)
    ]
    if not folders:
        hint = "Give a whole path, or one from the name of a folder that 'polyglance status' lists."
        error = QueryError(f"in:{value[:60]} is in no folder of this library.", hint)
        raise error.with_code("folder_unknown", folder=value[:60])
    return tuple(folders)


def _path_prefixes(root: str) -> set[str]:
    """The root's path and the root's name: paths of its folders may begin with either."""
    return {prefix + os.sep for prefix in (root.rstrip(os.sep), os.path.basename(root))}


def _add_in_make(filters: Filters, value: str) -> Filters:
    return filters  # `make` adds these two filters, because they need the library's roots


class _Kind(NamedTuple):
    add: AddValue
    example: str


_KINDS = {
    "after": _Kind(values.add_after, "after:2024-05"),
    "before": _Kind(values.add_before, "before:2024-06-15"),
    "date": _Kind(values.add_date, "date:2024"),
    "root": _Kind(_add_in_make, "root:Pictures"),
    "in": _Kind(_add_in_make, "in:Pictures/2024"),
    "folder": _Kind(values.add_folder, "folder:旅行"),
    "camera": _Kind(values.add_camera, 'camera:"X100V"'),
    "lens": _Kind(values.add_lens, 'lens:"35mm"'),
    "type": _Kind(values.add_type, "type:heic"),
    "is": _Kind(values.add_is, "is:favourite"),
    "has": _Kind(values.add_has, "has:place"),
    "orientation": _Kind(values.add_orientation, "orientation:portrait"),
    "aspect": _Kind(values.add_aspect, "aspect:16:9"),
    "size": _Kind(values.add_size, "size:>4mp"),
    "near": _Kind(values.add_near, "near:48.85,2.35,5"),
    "thing": _Kind(values.add_thing, "thing:dog"),
    "place": _Kind(values.add_place, "place:Kyoto"),
    "within": _Kind(values.add_within, "within:48.8,2.2,48.9,2.5"),
}
NAMES = tuple(_KINDS)
"""The names of all filters."""
