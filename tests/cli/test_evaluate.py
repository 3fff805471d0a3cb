import json
import re
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from evaluation_sets import COLOURS, WORDS, ColourEncoder, cifar_batch, paint, write_cifar, write_jsonl
from polyglance.data.sample import EXPECTED
from polyglance.data.sample import WORDS as SAMPLE_WORDS
from polyglance.encoders import calibrations, registry
from polyglance.evaluation import cache


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "default_folder", lambda: tmp_path / "vectors")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def evaluate(polyglance):
    def call(*arguments, encoder="lite"):
        return polyglance("evaluate", *arguments, *(["--encoder", encoder] if encoder else []))

    return call


@pytest.fixture
def sample_set(sample, tmp_path):
    """Four of the demo's pictures with a word in each language, as our JSONL."""
    rows = []
    for number, name in enumerate(EXPECTED):
        (file,) = [path for path in sample.iterdir() if path.name.startswith(name)][:1]
        captions = {code: [words[number]] for code, words in SAMPLE_WORDS.items()}
        rows.append({"image": str(file), "captions": captions})
    return write_jsonl(tmp_path / "sample-set", rows)


def error(done, code):
    assert (done.code, done.out) == (code, "")
    line = done.err.splitlines()[-1]
    assert line.startswith("Error: ") and "Traceback" not in done.err
    return line


def test_retrieval_prints_the_contract(evaluate, sample_set):
    done = evaluate("retrieval", sample_set, "--json")
    assert done.code == 0
    document = done.json
    assert list(document) == ["dataset", "encoder", "images", "texts", "languages", "mean"]
    assert (document["dataset"], document["encoder"], document["images"], document["texts"]) == (
        "sample-set",
        "lite",
        4,
        36,
    )
    assert list(document["languages"]) == list(WORDS)
    for figures in (*document["languages"].values(), document["mean"]):
        assert list(figures) == ["text_to_image", "image_to_text", "MR"]
        assert list(figures["text_to_image"]) == list(figures["image_to_text"]) == ["R@1", "R@5", "R@10"]
    assert document["mean"]["text_to_image"]["R@1"] == 100  # what the demo shows: each word finds its picture first


def test_retrieval_for_people_is_a_table(evaluate, sample_set):
    done = evaluate("retrieval", sample_set, "--languages", "en,ar")
    rows = [line.split() for line in done.out.splitlines()]
    assert [row[0] for row in rows[2:]] == ["en", "ar", "mean"]
    assert all(len(row) == 8 for row in rows[2:])
    assert "lite encoder" in done.err and "4 pictures, 8 captions" in done.err


def test_a_report_is_three_files(evaluate, sample_set, tmp_path):
    done = evaluate("retrieval", sample_set, "--report", tmp_path / "report", "--json")
    assert {path.name for path in (tmp_path / "report").iterdir()} == {"report.json", "report.md", "report.html"}
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert {key: report[key] for key in done.json} == done.json
    assert done.err.count("Wrote ") == 3


def test_missing_pictures_need_leave_and_end_with_code_3(evaluate, stamps):
    (stamps.parent / "images" / "blue.png").unlink()
    (stamps.parent / "images" / "red.png").write_text("no picture")
    line = error(evaluate("retrieval", stamps), 2)
    assert re.search(r"1 of 6 pictures are missing: .*blue.png. Put them there, or go on with --allow-missing", line)
    done = evaluate("retrieval", stamps, "--allow-missing", "--json")
    assert (done.code, done.json["images"]) == (3, 4)
    assert "2 pictures were left out:" in done.err
    assert re.search(r"red.png: is not a picture", done.err) and re.search(r"blue.png: is not there", done.err)


def test_a_second_run_encodes_nothing(evaluate, stamps, tmp_path, monkeypatch):
    first = evaluate("retrieval", stamps, "--json", "--cache", tmp_path / "kept")
    from polyglance.encoders.lite.encoder import LiteEncoder

    def never(*_):
        raise AssertionError("encoded again")

    monkeypatch.setattr(LiteEncoder, "encode_images", never)
    monkeypatch.setattr(LiteEncoder, "encode_texts", never)
    assert evaluate("retrieval", stamps, "--json", "--cache", tmp_path / "kept").json == first.json
    assert "encoded again" in error(evaluate("retrieval", stamps), 1)


@pytest.mark.usefixtures("random_as_lite")
def test_published_figures_stand_beside_ours(evaluate, tmp_path):
    """A set of XTD10's size: the rows of AltCLIP-m9 and M-CLIP are shown; ours are far from them."""
    lines = [f"picture {number} {list(COLOURS)[number % 6]}" for number in range(1000)]
    names = []
    for number in range(1000):
        names.append(f"COCO_val2014_{number:012}.png")
        paint(tmp_path / "xtd" / "images" / names[-1], (number % 250, number // 4, 90), number)
    (tmp_path / "xtd" / "test_image_names.txt").write_text("\n".join(names) + "\n")
    (tmp_path / "xtd" / "test_1kcaptions_en.txt").write_text("\n".join(lines) + "\n")
    done = evaluate("retrieval", tmp_path / "xtd", "--json", encoder=None)
    assert done.code == 0
    assert "published: en AltCLIP-m9 I2T R@10 95.4\n" in done.err
    assert "published: en M-CLIP XLM-R ViT-L/14 T2I R@10 92.4\n" in done.err


@pytest.fixture
def random_as_lite(monkeypatch, random_encoder):
    """A thousand pictures through a real tower take a minute; here only what is printed matters."""
    from polyglance.encoders import registry

    monkeypatch.setattr(registry, "create", lambda _name, _settings: random_encoder)


def test_zeroshot_prints_and_writes_as_altclips_script(evaluate, tmp_path):
    place = write_cifar(tmp_path / "cifar", test_batch=cifar_batch([n % 10 for n in range(30)]))
    done = evaluate("zeroshot", "cifar10", place)
    assert done.code == 0
    document = json.loads(done.out)
    assert list(document) == ["dataset", "metrics"] and document["dataset"] == "cifar10"
    assert list(document["metrics"]) == ["acc1", "acc5", "mean_per_class_recall"]
    assert all(0 <= value <= 1 for value in document["metrics"].values())
    assert json.loads((tmp_path / "result.txt").read_text()) == document
    evaluate("zeroshot", "cifar10", place, "--json", "--language", "ja", "--output", tmp_path / "japanese.json")
    assert json.loads((tmp_path / "japanese.json").read_text())["dataset"] == "cifar10"


def test_zeroshot_sees_what_is_in_ones_own_tree(evaluate, sample, tmp_path):
    for name in EXPECTED:
        (tmp_path / "tree" / name).mkdir(parents=True)
        for path in sample.iterdir():
            if path.name.startswith(name):
                (tmp_path / "tree" / name / path.name).write_bytes(path.read_bytes())
    for code in ("en", "zh", "ar"):
        named = "".join(f"{name}\t{word}\n" for name, word in zip(EXPECTED, SAMPLE_WORDS[code], strict=True))
        (tmp_path / "classes.tsv").write_text(named, encoding="utf-8")
        done = evaluate(
            "zeroshot", "imagefolder", tmp_path / "tree", "--language", code, "--classes", tmp_path / "classes.tsv"
        )
        assert json.loads(done.out)["metrics"] == {"acc1": 1.0, "acc5": None, "mean_per_class_recall": 1.0}


@pytest.mark.slow
def test_compare_puts_two_encoders_side_by_side(polyglance, sample_set, tiny_altclip, monkeypatch):
    monkeypatch.setenv("POLYGLANCE_PRECISION", "float32")
    command = ("evaluate", "compare", "lite", tiny_altclip, sample_set, "--samples", 200)
    document = polyglance(*command, "--json").json
    assert document["encoders"] == ["lite", str(tiny_altclip)]
    assert (document["images"], document["confidence"], document["samples"]) == (4, 0.95, 200)
    assert list(document["languages"]) == list(WORDS)
    recall = document["mean"]["text_to_image"]["R@1"]
    assert recall["first"]["value"] == 100
    assert set(recall["difference"]) == {"value", "low", "high", "differs"}
    assert recall["difference"]["value"] == round(recall["second"]["value"] - 100, 2) < 0
    assert recall["difference"]["differs"]
    table = polyglance(*command)
    (line,) = [line for line in table.out.splitlines() if line.startswith("mean    text to image R@1 ")]
    assert line.split()[5] == "100.00" and line.endswith(" *")
    assert polyglance(*command, "--json").json == document


def test_progress_is_said_on_stderr_only(evaluate, stamps, monkeypatch):
    from polyglance.cli import output

    monkeypatch.setattr(output, "QUIET_SECONDS", 0.0)
    done = evaluate("retrieval", stamps, "--json")
    assert re.search(r"Encoding pictures: 6 of 6 pictures, [\d.]+ a second", done.err)
    assert re.search(r"Encoding texts: 53 of 53 texts", done.err)
    assert done.json["images"] == 6


WRONG = {
    "a file that is not there": (["retrieval", "nowhere.jsonl"], 2, "There is no file or folder nowhere.jsonl"),
    "a format that there is not": (["retrieval", "{stamps}", "--format", "csv"], 2, "There is no format 'csv'"),
    "a language that there is not": (["retrieval", "{stamps}", "--languages", "en,xx"], 2, "There is no language 'xx'"),
    "no folder of pictures": (["retrieval", "{stamps}", "--images", "nowhere"], 2, "There is no folder nowhere"),
    "a data set that there is not": (["zeroshot", "mnist", "."], 2, "There is no data set 'mnist'"),
    "a prompt language": (["zeroshot", "cifar10", "{cifar}", "--language", "de"], 2, "There is no language 'de'"),
    "a split": (["zeroshot", "cifar10", "{cifar}", "--split", "all"], 2, "CIFAR-10 has no split 'all'"),
    "no data": (["zeroshot", "cifar10", "."], 2, "There is no batches.meta and no cifar-10-python.tar.gz"),
    "no class folders": (["zeroshot", "imagenet", "."], 1, "no class of ImageNet has this WordNet id"),
    "an encoder": (["compare", "lite", "no-such", "{stamps}"], 2, "There is no encoder called 'no-such'"),
    "no result file": (
        ["zeroshot", "cifar10", "{cifar}", "--output", "no/such/file"],
        1,
        "no/such/file cannot be written",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_is_one_line(evaluate, stamps, cifar10, case):
    arguments, code, message = WRONG[case]
    filled = [argument.format(stamps=stamps, cifar=cifar10) for argument in arguments]
    done = evaluate(*filled, encoder=None if "compare" in filled else "lite")
    assert message in error(done, code)


def test_bad_data_are_one_line_with_file_and_line_number(evaluate, stamps, cifar10_archive):
    lines = stamps.read_text(encoding="utf-8").splitlines()
    stamps.write_text("\n".join([*lines[:3], lines[3].replace('"ar"', '"xx"'), *lines[4:]]), encoding="utf-8")
    assert f"{stamps}, line 4: there is no language 'xx'" in error(evaluate("retrieval", stamps), 1)
    cifar10_archive.write_bytes(cifar10_archive.read_bytes()[:900])
    assert "cifar-10-python.tar.gz is no whole .tar.gz" in error(evaluate("zeroshot", "cifar10", cifar10_archive), 1)


def test_the_help_loads_no_heavy_library():
    code = (
        "from polyglance.cli import run; run(['evaluate', 'retrieval', '--help']);"
        "import sys; print([name for name in ('torch', 'faiss', 'sqlalchemy', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


# --- calibrate --------------------------------------------------------------------


@pytest.fixture
def captioned(tmp_path):
    """Forty-eight painted pictures with their colours as captions."""
    rows = []
    for number in range(48):
        colour = number // 2 % 6
        paint(tmp_path / "captioned" / f"{number}.png", tuple(COLOURS.values())[colour], number)
        captions = {code: [WORDS[code][colour]] for code in WORDS}
        rows.append({"image": f"{number}.png", "captions": captions})
    return write_jsonl(tmp_path / "captioned", rows)


@pytest.fixture
def colour_calibrate(polyglance, colour, monkeypatch, tmp_path):
    """`calibrate` with the encoder of colours, which stores below the temporary folder."""
    monkeypatch.setenv("POLYGLANCE_CALIBRATIONS", str(tmp_path / "calibrations"))
    monkeypatch.setattr(registry, "create", lambda name, settings: colour)
    return lambda *arguments: polyglance("calibrate", *arguments, "--encoder", "lite")


def test_calibrate_stores_what_it_fitted_and_the_list_of_encoders_says_so(
    colour_calibrate, captioned, polyglance, colour, tmp_path
):
    colour.name = "lite"
    dry = colour_calibrate(captioned, "--dry-run")
    assert dry.code == 0
    assert not (tmp_path / "calibrations").exists()
    done = colour_calibrate(captioned)
    assert done.code == 0
    assert re.fullmatch(r"before  precision .*  recall .*%\nafter   precision 100\.0%  recall 100\.0%\n", done.out)
    assert "Stored for lite in" in done.err
    assert calibrations.read(tmp_path / "calibrations", colour.fingerprint) is not None
    assert "ready, calibrated" in polyglance("encoders").out


def test_calibrate_stores_nothing_that_is_worse_than_before(colour_calibrate, captioned, tmp_path):
    colour_calibrate(captioned)
    (stored,) = (tmp_path / "calibrations").glob("*.json")
    before = stored.read_bytes()
    rows = [json.loads(line) for line in captioned.read_text(encoding="utf-8").splitlines()]
    for number, row in enumerate(rows):
        if number % 2 == 0:  # the captions of the half that is fitted are wrong now
            row["captions"] = rows[(number + 2) % 48]["captions"]
    write_jsonl(captioned.parent, rows)
    done = colour_calibrate(captioned)
    assert "It is worse than before, so nothing was stored." in done.err
    assert stored.read_bytes() == before


def test_calibrate_refuses_a_handful_of_pictures(colour_calibrate, tmp_path):
    paint(tmp_path / "few" / "1.png", (1, 2, 3))
    file = write_jsonl(tmp_path / "few", [{"image": "1.png", "captions": {"en": ["red"]}}])
    done = colour_calibrate(file)
    assert "1 pictures are too few." in error(done, 1) or "too few" in done.err


@dataclass
class CellEncoder(ColourEncoder):
    """Divides the colours into 64 cells, one dimension each, and reads captions as `#e0a020`.

    So each picture of a set can have a caption of its own.
    """

    dimension: int = 64

    def _named(self, text):
        return tuple(bytes.fromhex(text[1:]))

    def _unit(self, rows):
        levels = np.array(rows).reshape(-1, 3).round().astype(int) // 64
        return np.eye(64, dtype=np.float32)[levels @ (16, 4, 1)]


@pytest.fixture
def colour_of_caption():
    """Forty-eight captions, and the colours that they name: each in a cell of its own."""
    colours = [(32 + 64 * (cell // 16), 32 + 64 * (cell // 4 % 4), 32 + 64 * (cell % 4)) for cell in range(48)]
    return {f"#{bytes(colour).hex()}": colour for colour in colours}


def write_xtd(folder, colours):
    names = [f"COCO_val2014_{number:012}.jpg" for number in range(len(colours))]
    (folder / "test_image_names.txt").write_text("\n".join(names) + "\n")
    (folder / "test_1kcaptions_en.txt").write_text("\n".join(colours) + "\n")
    return names


def write_crossmodal(folder, colours):
    keys = [f"{number:016x}" for number in range(len(colours))]
    rows = [
        {"image/key": key, "image/locale": "en", **{code: {"caption": [caption]} for code in WORDS}}
        for key, caption in zip(keys, colours, strict=True)
    ]
    (folder / "captions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return [f"{key}.jpg" for key in keys]


@pytest.mark.parametrize("write_captions", [write_xtd, write_crossmodal])
def test_calibrate_reads_the_published_layouts(polyglance, monkeypatch, tmp_path, colour_of_caption, write_captions):
    encoder = CellEncoder()
    monkeypatch.setattr(registry, "create", lambda _name, _settings: encoder)
    monkeypatch.setenv("POLYGLANCE_CALIBRATIONS", str(tmp_path / "calibrations"))
    (tmp_path / "set").mkdir()
    names = write_captions(tmp_path / "set", colour_of_caption)
    for number, (name, colour) in enumerate(zip(names, colour_of_caption.values(), strict=True)):
        paint(tmp_path / "set" / "images" / name, colour, number)
    done = polyglance("calibrate", tmp_path / "set", "--languages", "en", "--encoder", "lite")
    assert (done.code, done.out.splitlines()[1:]) == (0, ["after   precision 100.0%  recall 100.0%"]), done.err
    assert encoder.images == len(encoder.texts) == 48
    assert calibrations.read(tmp_path / "calibrations", encoder.fingerprint) is not None
