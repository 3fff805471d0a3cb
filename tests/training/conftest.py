import json

import pytest
from checkpoints import SENTENCES
from evaluation_sets import COLOURS, WORDS, paint
from polyglance.config import Settings
from polyglance.evaluation import cache


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "default_folder", lambda: tmp_path / "vectors")


@pytest.fixture
def settings():
    return Settings(device="cpu", precision="float32", decode_workers=2, batch_size=16)


@pytest.fixture(scope="session")
def clip(tiny_checkpoint):
    return tiny_checkpoint("clip")


@pytest.fixture(scope="session")
def xlm_r(tiny_checkpoint):
    return tiny_checkpoint("xlm_roberta")


@pytest.fixture(scope="session")
def parallel_text(tmp_path_factory):
    """Parts of the nine sentences: 12 English texts with three translations each."""
    path = tmp_path_factory.mktemp("text") / "text.tsv"
    languages = ("zh", "fr", "ru")
    rows = [
        f"{SENTENCES['en'][start : start + 12]} {start}\t{SENTENCES[language][start % 3 :]} {start}\t{language}\n"
        for start in range(12)
        for language in languages
    ]
    path.write_text("".join(rows), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def pairs(tmp_path_factory):
    """20 pictures of five colours, with captions in English and Chinese."""
    folder = tmp_path_factory.mktemp("pairs")
    rows = []
    for number in range(20):
        place = number % 5
        colour = list(COLOURS)[place]
        paint(folder / f"{number}.png", colour, number)
        captions = {"en": [f"{colour} {number}", f"a photo of {colour}"], "zh": [f"{WORDS['zh'][place]} {number}"]}
        rows.append(json.dumps({"image": f"{number}.png", "captions": captions}, ensure_ascii=False))
    path = folder / "pairs.jsonl"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def classes(tmp_path_factory):
    """Four class folders with five pictures each."""
    folder = tmp_path_factory.mktemp("classes")
    for colour in list(COLOURS)[:4]:
        (folder / colour).mkdir()
        for number in range(5):
            paint(folder / colour / f"{number}.png", colour, number)
    return folder
