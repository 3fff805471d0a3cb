"""`train` from the command line: what it prints, what it refuses, and every command of docs/training.md."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from checkpoints import SENTENCES
from evaluation_sets import COLOURS, WORDS, paint
from polyglance.evaluation import cache

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/training.md").read_text(encoding="utf-8")
FAST = ["--epochs", "1", "--batch", "16", "--lr", "1e-3"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "default_folder", lambda: tmp_path / "vectors")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "news.en-zh.tsv"
    path.write_text("".join(f"{SENTENCES['en']} {n}\t{SENTENCES['zh']} {n}\n" for n in range(12)), encoding="utf-8")
    return path


@pytest.fixture
def pairs(tmp_path):
    rows = []
    for number in range(12):
        colour = list(COLOURS)[number % 6]
        paint(tmp_path / f"{number}.png", colour, number)
        captions = {"en": [f"{colour} {number}"], "zh": [WORDS["zh"][number % 6]]}
        rows.append(json.dumps({"image": f"{number}.png", "captions": captions}) + "\n")
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(rows))
    return path


@pytest.fixture
def classes(tmp_path):
    for number, colour in enumerate(("red", "blue")):
        for picture in range(4):
            paint(tmp_path / "my-classes" / colour / f"{picture}.png", colour, 10 * number + picture)
    return tmp_path / "my-classes"


def error(done, code):
    assert (done.code, done.out) == (code, "")
    line = done.err.splitlines()[-1]
    assert line.startswith("Error: ") and "Traceback" not in done.err
    return line


def test_align_prints_one_document_and_says_what_was_bounded(polyglance, tiny_altclip, pairs, caplog):
    done = polyglance("train", "align", "--encoder", tiny_altclip, "--data", pairs, "--output", "out", *FAST, "--json")
    assert done.code == 0
    document = done.json
    assert list(document) == [
        "kind", "output", "examples", "steps", "epochs", "seconds", "best_step", "ended_early", "scores", "losses",
        "validations", "notes",
    ]  # fmt: skip
    assert (document["kind"], document["examples"], document["steps"]) == ("align", 22, 2)
    assert list(document["losses"][0]) == ["step", "epoch", "loss", "learning_rate", "gradient_norm"]
    assert document["scores"] == document["validations"][-1]["scores"]
    assert "There are 22 captions and 2 steps: the warm-up is 0 instead of 2000." in caplog.text
    assert "Writing" not in done.err and "Loading" not in done.err


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (lambda folder: (folder / "3.png").unlink(), 2, "pairs.jsonl, line 4: there is no picture"),
        (lambda folder: (folder / "3.png").write_bytes(b"?"), 1, "pairs.jsonl, line 4: "),
        (lambda folder: (folder / "out").write_text("x"), 2, "out is a file"),
        (lambda folder: (folder / "pairs.jsonl").write_text('{"image": "0.png"}\n'), 1, "pairs.jsonl, line 1: "),
    ],
)
def test_bad_input_of_align_is_one_line(polyglance, tiny_altclip, pairs, tmp_path, change, code, message):
    change(tmp_path)
    done = polyglance("train", "align", "--encoder", tiny_altclip, "--data", pairs, "--output", "out")
    assert message in error(done, code)


def test_bad_input_of_distill_is_one_line(polyglance, tiny_checkpoint, text):
    places = ["--teacher", tiny_checkpoint("clip"), "--student", tiny_checkpoint("xlm_roberta"), "--output", "out"]
    text.write_text("a\tb\n\nc\td\n")
    assert "news.en-zh.tsv, line 2: the line is empty" in error(
        polyglance("train", "distill", *places, "--data", text), 1
    )
    for code, lines in (("en", "a\nb\nc\n"), ("fr", "a\nb\n")):
        Path(f"x.{code}").write_text(lines)
    done = polyglance("train", "distill", *places, "--data", "x.en", "x.fr")
    assert "x.fr, line 3: the file ends before this line" in error(done, 1)
    done = polyglance("train", "distill", "--teacher", "lite", *places[2:], "--data", text)
    assert "lite is no checkpoint of transformers" in error(done, 1)
    assert "--schedule is 'triangle'" in error(
        polyglance("train", "distill", *places, "--data", text, "--schedule", "triangle"), 2
    )


def test_lora_and_several_processes_without_the_extra_say_how_to_get_it(
    polyglance, tiny_altclip, pairs, monkeypatch, tmp_path, caplog
):
    import sys

    for name in ("peft", "accelerate", "tensorboard"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    common = ["train", "align", "--encoder", tiny_altclip, "--data", pairs, *FAST]
    done = polyglance(*common, "--output", "lora", "--lora", "4")
    assert "LoRA needs peft. Install it: pip install 'polyglance[train]'" in error(done, 2)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert "needs accelerate. Install it: pip install 'polyglance[train]'" in error(
        polyglance(*common, "--output", "two"), 2
    )
    monkeypatch.delenv("WORLD_SIZE")
    done = polyglance(*common, "--output", "out")
    assert done.code == 0 and "TensorBoard files are not written" in caplog.text
    assert (tmp_path / "out/model.safetensors").is_file()


def shown():
    """The training commands of the page that need no library, in its order."""
    lines = re.findall(r"^ {4}(polyglance (?:train|evaluate) .*)$", PAGE, re.MULTILINE)
    commands = [shlex.split(line.split("  #")[0])[1:] for line in lines]
    return [words for words in commands if "pairs" not in words[1:2] and not set(words) & {"ENCODER", "FOLDER"}]


@pytest.mark.slow
def test_the_commands_of_the_page_do_what_it_says(polyglance, tiny_altclip, tiny_checkpoint, text, pairs, classes):
    """Tiny models in place of large ones; one epoch."""
    small = {
        "altclip-m9": tiny_altclip,
        "altclip": tiny_altclip,
        "openai/clip-vit-large-patch14": tiny_checkpoint("clip"),
        "FacebookAI/xlm-roberta-base": tiny_checkpoint("xlm_roberta"),
    }
    commands = [words for words in shown() if "cifar10:cifar-10-batches-py" not in words]
    assert len(commands) == 6
    for words in commands:
        replaced = [str(small.get(word, word)) for word in words]
        if words[:2] == ["train", "finetune"]:
            shutil.rmtree("my-encoder")
        done = polyglance(*replaced, *(["--epochs", "1"] if words[0] == "train" else []))
        assert done.code == 0, (words, done.err)
    for output in ("distilled", "aligned", "my-encoder"):
        done = polyglance("match", "0.png", "red", "blue", "--encoder", output, "--json")
        assert len(done.json["texts"]) == 2


def test_every_option_of_the_page_is_one_that_the_commands_take():
    import typer
    from polyglance.cli import app

    group = typer.main.get_command(app).commands["train"]
    for name in ("distill", "align", "finetune"):
        taken = {option for parameter in group.commands[name].params for option in parameter.opts}
        table = re.findall(r"^\| `(--[a-z-]+)` \|", PAGE, re.MULTILINE)
        assert table and set(table) - taken <= {"--towers"}, name
