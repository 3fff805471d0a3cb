"""Parallel text in every format, plain and gzipped; errors that name the file and the line; bounded memory."""

import gzip
import itertools
import json
import tracemalloc

import pytest
from polyglance.datasets import parallel, streams
from polyglance.datasets.parallel import Translation, find_corpora
from polyglance.errors import DataError, DataMissing, UsageError

TMX = """<?xml version="1.0" encoding="UTF-8"?>
<tmx version="1.4"><header srclang="en"/><body>
<tu><tuv xml:lang="EN-us"><seg>the <bpt i="1">&lt;b&gt;</bpt>red car</seg></tuv><tuv xml:lang="zh"><seg>红车</seg></tuv></tu>
<tu><tuv lang="en"><seg>a cat</seg></tuv><tuv lang="fr"><seg>un
   chat</seg></tuv><tuv lang="it"><seg>un gatto</seg></tuv></tu>
</body></tmx>
"""
EXPECTED = [
    Translation("the red car", "红车", "zh"),
    Translation("a cat", "un chat", "fr"),
    Translation("a cat", "un gatto", "it"),
]


def read(*paths, **options):
    return [pair for corpus in find_corpora(paths) for pair in corpus.read(**options)]


def write(path, text):
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.tsv", "the red car\t红车\tzh\r\na cat\tun chat\tfr\na cat\tun gatto\tit\n"),
        ("a.jsonl", '{"en": "the red car", "zh": "红车"}\n{"en": ["a cat"], "fr": ["un chat"], "it": "un gatto"}\n'),
        ("a.tmx", TMX),
    ],
)
def test_each_format_gives_the_same_translations(tmp_path, name, text, ending):
    assert read(write(tmp_path / f"{name}{ending}", text)) == EXPECTED


def test_two_moses_files_are_one_corpus_whatever_their_order(tmp_path):
    english = write(tmp_path / "news.en.gz", "a cat\na dog\n")
    french = write(tmp_path / "news.fr", "un chat\nun chien\n")
    assert read(french, english) == [Translation("a cat", "un chat", "fr"), Translation("a dog", "un chien", "fr")]


def test_a_pair_file_is_parallel_text_too(tmp_path):
    row = {"image": "a.jpg", "captions": {"en": ["a cat"], "zh": ["猫", "一只猫"]}}
    path = write(tmp_path / "pairs.jsonl", json.dumps(row) + "\n")
    assert read(path) == [Translation("a cat", "猫", "zh"), Translation("a cat", "一只猫", "zh")]


@pytest.mark.parametrize(("name", "language"), [("news.en-zh.tsv", "zh"), ("fr.tsv.gz", "fr"), ("news.tsv", "und")])
def test_the_name_of_a_file_tells_the_language_if_no_column_does(tmp_path, name, language):
    assert read(write(tmp_path / name, "a\tb\n"))[0].language == language


def test_a_line_separator_of_unicode_ends_no_line(tmp_path):
    assert read(write(tmp_path / "zh.tsv", "a\u2028b\t猫\n"))[0].source == "a\u2028b"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.tsv", "a\tb\tzh\n\nc\td\tzh\n", "a.tsv, line 2: the line is empty"),
        ("a.tsv", "a\tb\tzh\nc\t \tzh\n", "a.tsv, line 2: a text is empty"),
        ("a.tsv", "a\tb\tzh\nonly one\n", "a.tsv, line 2: expected SOURCE<TAB>TARGET"),
        ("a.tsv", "a\tb\tChinese\n", "a.tsv, line 1: 'Chinese' is no ISO 639 code"),
        ("a.jsonl", '{"en": "a", "zh": "b"}\n{"en": \n', "a.jsonl, line 2: no valid JSON"),
        ("a.jsonl", '{"zh": "b"}\n', "a.jsonl, line 1: expected an object as"),
        ("a.jsonl", '{"en": "a", "zh": 7}\n', "a.jsonl, line 1: a text must be a string"),
        ("a.tmx", TMX.replace("<seg>un gatto</seg>", "<seg> </seg>"), "a.tmx, line 4: a text is empty"),
        ("a.tmx", TMX.replace('lang="en"', 'lang="de"'), "a.tmx, line 4: the unit has no text in 'en'"),
        ("a.tmx", TMX.replace("</tu>", "", 1), "line 6: no well-formed TMX"),
        ("a.tmx", '<!DOCTYPE x [<!ENTITY e "ha">]><tmx/>', "a.tmx defines XML entities"),
    ],
)
def test_an_error_names_the_file_and_the_line(tmp_path, name, text, message):
    with pytest.raises(DataError) as caught:
        read(write(tmp_path / name, text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_empty_texts_can_be_left_out(tmp_path):
    path = write(tmp_path / "a.tsv", "a\tb\tzh\n\nc\t\tzh\nd\te\tzh\n")
    assert [pair.source for pair in read(path, skip_empty=True)] == ["a", "d"]


@pytest.mark.parametrize(("longer", "line"), [("en", 3), ("zh", 3)])
def test_unequal_moses_files_are_named_with_the_first_line_that_has_no_partner(tmp_path, longer, line):
    paths = [write(tmp_path / f"a.{code}", "x\ny\n" + ("z\n" if code == longer else "")) for code in ("en", "zh")]
    shorter = "zh" if longer == "en" else "en"
    with pytest.raises(DataError, match=rf"a\.{shorter}, line {line}: the file ends before this line"):
        read(*paths)


def test_a_moses_file_needs_its_partner(tmp_path):
    with pytest.raises(DataMissing, match=r"Give .*a\.en too"):
        find_corpora([write(tmp_path / "a.zh", "x\n")])


def test_an_unknown_format_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(UsageError, match="not recognised"):
        find_corpora([write(tmp_path / "a.docx", "x")])
    with pytest.raises(DataMissing, match="no file"):
        find_corpora([tmp_path / "b.tsv"])


def test_damaged_gzip_and_text_that_is_no_utf8_are_named(tmp_path):
    path = tmp_path / "a.tsv.gz"
    path.write_bytes(gzip.compress(b"a\tb\tzh\n" * 1000)[:-30])
    with pytest.raises(DataError, match="no whole .gz"):
        read(path)
    path = tmp_path / "b.tsv"
    path.write_bytes("é\tb\tzh\n".encode() * 3 + b"caf\xe9\tb\tzh\n")
    with pytest.raises(DataError, match=r"b\.tsv, line 4: not UTF-8"):
        read(path)


def test_a_file_without_line_ends_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "LONGEST_LINE", 100)
    with pytest.raises(DataError, match="line 1: the line has more than 100 characters"):
        read(write(tmp_path / "a.tsv", "x" * 1000))


def test_a_file_is_streamed(tmp_path):
    """Of 30 MB in a gzip file of 60 kB, less than 1 MB is in memory at any time."""
    path = tmp_path / "zh.tsv.gz"
    with gzip.open(path, "wb") as file:
        for _ in range(300):
            file.write(("a sentence of some words\t一个句子\n" * 2500).encode())
    (corpus,) = find_corpora([path])
    tracemalloc.start()
    try:
        count = sum(1 for _ in itertools.islice(corpus.read(), 100_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 100_000
    assert peak < 1 << 20


def test_every_reader_has_a_format():
    assert set(parallel.READERS) == {"tsv", "jsonl", "tmx", "moses"}
