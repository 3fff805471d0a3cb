"""docs/evaluation.md, against the code: its commands parse, its tables are the data file's."""

import re
import shlex
from pathlib import Path

import pytest
from polyglance import datasets
from polyglance.cli import run
from polyglance.evaluation import published
from polyglance.evaluation.report import document

TEXT = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
COMMANDS = [
    command
    for command in re.findall(r"(?:^    |`)(polyglance (?:evaluate|match) [^`\n]+)", TEXT, re.MULTILINE)
    if "[" not in command and "…" not in command
]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_parse(command, capsys, tmp_path, monkeypatch):
    """Run where there is no data: what a command misses is its data, not an option or an argument."""
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command)[1:]
    assert run(words) == 2
    message = capsys.readouterr().err
    data = words[4] if words[1] == "compare" else words[2] if words[1] == "retrieval" else words[3]
    assert re.fullmatch(rf"Error: There is no .*{re.escape(data)}.*\n", message)


def test_there_is_a_command_for_each_data_set():
    joined = "\n".join(COMMANDS)
    for name in (
        "flickr30k.json",
        "flickr30k_cn",
        "XTD10",
        "crossmodal",
        "coco-cn",
        ".jsonl",
        "cifar10",
        "imagenet-v2",
    ):
        assert name in joined, name
    assert set(re.findall(r"`([\w-]+)`", TEXT[TEXT.index("`--format` (") :].split(")")[0])) >= set(datasets.RETRIEVAL)


def tables(heading):
    section = re.split("\n###? ", TEXT[TEXT.index(heading) :])[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.split("\n") if line[:1] == "|"]
    return {row[0]: row[1:] for row in rows[2:]}


@pytest.mark.parametrize(
    ("heading", "dataset", "language"),
    [("### Flickr30k, English", "flickr30k", "en"), ("### Flickr30k-CN", "flickr30k-cn", "zh")],
)
def test_retrieval_tables_are_the_data_files(heading, dataset, language):
    expected = {
        row.method: [f"{v:.1f}" for v in (*row.text_to_image.values(), *row.image_to_text.values(), row.MR)]
        for row in published.for_retrieval(dataset, language, 1000)
    }
    assert tables(heading) == expected


def test_the_xtd10_table_is_the_data_files():
    languages = ["en", "es", "fr", "zh", "it", "ko", "ru", "ja"]
    for method, (way, *cells) in tables("### XTD10").items():
        field = {"I2T R@10": "image_to_text", "T2I R@10": "text_to_image"}[way]
        rows = {row.language: row for row in published.retrieval() if row.method == method}
        assert cells == [f"{getattr(rows[code], field)['R@10']}" for code in languages]


def test_the_cifar10_table_is_the_data_files():
    (row,) = published.zeroshot()
    assert tables("### CIFAR-10") == {"AltCLIP": [f"{v}" for v in (row.acc1, row.acc5, row.mean_per_class_recall)]}


def test_every_part_of_the_report_is_explained():
    explained = {key.strip("`") for key in tables("| key | meaning |\n")}
    keys = set(re.findall(r'^        "(\w+)": ', Path(document.__file__).read_text(), re.MULTILINE))
    assert keys - {"fingerprint", "failures", "images", "texts"} == explained


def test_the_python_example_is_true(stamps, monkeypatch, capsys):
    from polyglance.evaluation import cache

    monkeypatch.chdir(stamps.parent)
    monkeypatch.setattr(cache, "default_folder", lambda: stamps.parent / "kept")
    code = TEXT[TEXT.index("## From Python") :].split("\n", 1)[1].replace("my/captions.jsonl", "captions.jsonl")
    exec("\n".join(line[4:] for line in code.split("\n")), {})
    assert "text_to_image" in capsys.readouterr().out
