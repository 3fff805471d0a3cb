"""Parallel text as a stream: TSV, JSON lines, Moses files and TMX, plain or gzipped, in bounded memory.

    file(s) -> lines or XML -> Translation(source, target, language)

Every error names the file and the line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from ..errors import DataError, DataMissing, UsageError
from . import tmx
from .reading import locate
from .streams import stream_bytes, stream_lines

UNDETERMINED = "und"
"""The language of a translation whose file does not tell it (ISO 639-2)."""

LANGUAGE = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True, slots=True)
class Translation:
    """A text in the source language and the same in another: `language` is ISO 639, or UNDETERMINED."""

    source: str
    target: str
    language: str


@dataclass(frozen=True, slots=True)
class Empty:
    """A place where a text is missing."""

    where: str
    problem: str

    def error(self) -> DataError:
        """The error of it."""
        return DataError(f"{self.where}: {self.problem}.", "Mend the line, or leave such lines out with --skip-empty.")


Entry: TypeAlias = Translation | Empty


@dataclass(frozen=True)
class Corpus:
    """One file of parallel text, or the two of a Moses corpus."""

    paths: tuple[Path, ...]
    kind: str
    source_language: str

    def entries(self) -> Iterator[Entry]:
        """Stream the corpus in the order of the file. Raises DataMissing, DataError."""
        return READERS[self.kind](self)

    def read(self, *, skip_empty: bool = False) -> Iterator[Translation]:
        """Stream the translations. Raises as `entries`, and DataError at an empty text without `skip_empty`."""
        for entry in self.entries():
            if isinstance(entry, Translation):
                yield entry
            elif not skip_empty:
                raise entry.error()


def find_corpora(paths: Sequence[Path], source_language: str = "en") -> tuple[Corpus, ...]:
    """Recognise the format of each file by its name; two files `NAME.en` and `NAME.zh` are one Moses corpus.

    Raises UsageError if a name tells no format; DataMissing if a file or a Moses file's partner is missing.
    """
    corpora = []
    moses: dict[Path, dict[str, Path]] = {}
    for path in paths:
        if not path.is_file():
            raise DataMissing(f"There is no file {path}.", "Check the path; docs/training.md lists the formats.")
        name = Path(path.name.removesuffix(".gz"))
        suffix = name.suffix.removeprefix(".")
        if suffix in ("tsv", "jsonl", "tmx"):
            corpora.append(Corpus((path,), suffix, source_language))
        elif LANGUAGE.fullmatch(suffix) and suffix != "txt":
            moses.setdefault(path.with_name(name.stem), {})[suffix] = path
        else:
            raise UsageError(
                f"The format of {path} is not recognised.", "Formats: .tsv, .jsonl, .tmx, or two files NAME.en NAME.zh."
            )
    for base, files in moses.items():
        targets = [language for language in files if language != source_language]
        if source_language not in files or not targets:
            partner = f"{base}.{source_language}" if source_language not in files else f"{base} in another language"
            raise DataMissing(f"Give {partner} too.", "Line n of one file translates line n of the other.")
        corpora += [Corpus((files[source_language], files[language]), "moses", source_language) for language in targets]
    return tuple(corpora)


def _read_tsv(corpus: Corpus) -> Iterator[Entry]:
    """`SOURCE<TAB>TARGET[<TAB>LANGUAGE]`; without the third column the file's name tells the language."""
    (path,) = corpus.paths
    by_name = _language_of_name(path, corpus.source_language)
    for number, line in stream_lines(path):
        where = locate(path, number)
        cells = line.split("\t")
        if not line.strip():
            yield Empty(where, "the line is empty")
            continue
        if len(cells) not in (2, 3):
            raise DataError(f"{where}: expected SOURCE<TAB>TARGET[<TAB>LANGUAGE], found {line[:40]!r}.")
        language = cells[2].strip() if len(cells) == 3 else by_name
        if not LANGUAGE.fullmatch(language):
            raise DataError(f"{where}: {language[:20]!r} is no ISO 639 code of a language.")
        yield _entry(cells[0], cells[1], language, where)


def _read_jsonl(corpus: Corpus) -> Iterator[Entry]:
    """`{"en": "…", "zh": "…", "fr": ["…", "…"]}`; the captions of a pair file are parallel text too."""
    (path,) = corpus.paths
    source_language = corpus.source_language
    for number, line in stream_lines(path):
        where = locate(path, number)
        if not line.strip():
            yield Empty(where, "the line is empty")
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where}: no valid JSON ({getattr(error, 'msg', 'nested too deep')}).") from error
        texts = row.get("captions", row) if isinstance(row, dict) else None
        if not isinstance(texts, dict) or source_language not in texts:
            raise DataError(f'{where}: expected an object as {{"{source_language}": "…", "zh": "…"}}.')
        sources = _texts(texts[source_language], where)
        for language, value in texts.items():
            if language != source_language and LANGUAGE.fullmatch(language):
                for index, target in enumerate(_texts(value, where)):
                    yield _entry(sources[index % len(sources)], target, language, where)


def _read_moses(corpus: Corpus) -> Iterator[Entry]:
    source, target = corpus.paths
    language = Path(target.name.removesuffix(".gz")).suffix.removeprefix(".")
    left, right = stream_lines(source), stream_lines(target)
    while True:
        first, second = next(left, None), next(right, None)
        if first is None and second is None:
            return
        if first is None or second is None:
            number = (first or second or (0, ""))[0]
            short, long = (source, target) if first is None else (target, source)
            raise DataError(
                f"{locate(short, number)}: the file ends before this line, but {long.name} goes on.",
                "Line n of one file must translate line n of the other.",
            )
        empty = source if not first[1].strip() else target
        yield _entry(first[1], second[1], language, locate(empty, first[0]))


def _read_tmx(corpus: Corpus) -> Iterator[Entry]:
    (path,) = corpus.paths
    for line, unit in tmx.read_units(stream_bytes(path), path):
        where = locate(path, line)
        source = unit.get(corpus.source_language, "")
        if not source:
            yield Empty(where, f"the unit has no text in {corpus.source_language!r}")
            continue
        for language, target in unit.items():
            if language != corpus.source_language:
                yield _entry(source, target, language, where)


READERS: dict[str, Callable[[Corpus], Iterator[Entry]]] = {
    "tsv": _read_tsv,
    "jsonl": _read_jsonl,
    "moses": _read_moses,
    "tmx": _read_tmx,
}


def _entry(source: str, target: str, language: str, where: str) -> Entry:
    source, target = source.strip(), target.strip()
    if not source or not target:
        return Empty(where, "a text is empty")
    return Translation(source, target, language)


def _texts(value: Any, where: str) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise DataError(f"{where}: a text must be a string or a list of strings, found {str(value)[:40]!r}.")
    return texts


def _language_of_name(path: Path, source_language: str) -> str:
    """The language in a file's name, as in `news.en-zh.tsv` or `zh.tsv.gz`; UNDETERMINED if there is none."""
    codes = [code for code in re.split(r"[.\-_]", path.name) if re.fullmatch("[a-z]{2}", code)]
    others = [code for code in codes if code not in (source_language, "gz")]
    return others[-1] if others else UNDETERMINED
