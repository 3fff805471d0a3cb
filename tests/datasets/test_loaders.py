import json
import re

import pytest
from evaluation_sets import WORDS
from polyglance import datasets
from polyglance.datasets import load_retrieval
from polyglance.errors import DataError, DataMissing, UsageError


def test_our_own_lines(stamps):
    data = load_retrieval(stamps)
    assert (data.name, len(data.images), list(data.captions)) == ("stamps", 6, list(WORDS))
    assert data.captions["ar"].texts == WORDS["ar"]
    assert data.captions["ar"].owners == tuple(range(6))
    assert data.images[0] == stamps.parent / "images/red.png"
    assert data.shared


def test_flickr30k_has_five_captions_a_picture_and_only_the_test_split(flickr30k):
    data = load_retrieval(flickr30k)
    assert (data.name, len(data.images), data.texts, list(data.captions)) == ("flickr30k", 5, 25, ["en"])
    assert data.captions["en"].texts[:2] == ("Something red, 0.", "Something red, 1.")
    assert data.captions["en"].owners[:6] == (0, 0, 0, 0, 0, 1)
    assert all(path.exists() for path in data.images)
    assert not data.shared
    assert load_retrieval(flickr30k.parent).images == data.images


def test_mscoco_of_karpathy_says_the_folder_of_each_picture(flickr30k, tmp_path):
    document = json.loads(flickr30k.read_text())
    for row in document["images"]:
        row |= {"filepath": "val2014", "cocoid": 1}
        (tmp_path / "coco/val2014").mkdir(parents=True, exist_ok=True)
        (tmp_path / "coco/val2014" / row["filename"]).touch()
    file = tmp_path / "coco/dataset_coco.json"
    file.write_text(json.dumps({**document, "dataset": "coco"}))
    data = load_retrieval(file)
    assert data.name == "coco"
    assert all(path.parent.name == "val2014" and path.exists() for path in data.images)


def test_flickr30k_cn_in_both_releases(flickr30k_cn, tmp_path):
    data = load_retrieval(flickr30k_cn)
    assert (data.name, len(data.images), data.texts, list(data.captions)) == ("flickr30k-cn", 6, 30, ["zh"])
    first = flickr30k_cn / "flickr30kzhmbosontest/TextData/seg.flickr30kzhmbosontest.caption.txt"
    first.parent.mkdir(parents=True)
    first.write_text("1007129816#zhm#0 红 色 的 东 西\n1007129816#zhm#1 红\n1007129817#zhm#0 绿\n", encoding="utf-8")
    old = load_retrieval(first, images=flickr30k_cn / "flickr30k-images")
    assert old.captions["zh"].texts == ("红 色 的 东 西", "红", "绿")
    assert old.images == data.images[:2] == load_retrieval(flickr30k_cn, images=flickr30k_cn).images[:2]


def test_flickr30k_cn_finds_pictures_beside_the_caption_file(flickr30k_cn):
    moved = flickr30k_cn / "flickr30k_cn_test.txt"
    (flickr30k_cn / "test/flickr30k_cn_test.txt").rename(moved)
    assert all(path.exists() for path in load_retrieval(flickr30k_cn).images)


def test_xtd10_takes_french_from_mic_and_japanese_from_stair(xtd10):
    data = load_retrieval(xtd10)
    assert (data.name, len(data.images)) == ("xtd10", 6)
    assert list(data.captions) == ["en", "zh", "es", "fr", "ru", "ja", "ko", "it"]  # there is no Arabic
    assert data.captions["ja"].texts == WORDS["ja"]
    assert data.captions["fr"].texts == WORDS["fr"]
    assert all(path.exists() for path in data.images)


def test_crossmodal_has_several_captions_in_all_nine_languages(crossmodal):
    for path in (crossmodal, crossmodal.parent):
        data = load_retrieval(path)
        assert (data.name, len(data.images), list(data.captions)) == ("crossmodal-3600", 6, list(WORDS))
        assert data.captions["ru"].texts[:3] == ("красный 1", "красный 2", "зелёный 1")
        assert data.captions["ru"].owners[:3] == (0, 0, 1)
        assert all(path.exists() for path in data.images)


def test_coco_cn_counts_only_the_test_pictures(coco_cn):
    data = load_retrieval(coco_cn)
    assert (data.name, len(data.images), data.texts, list(data.captions)) == ("coco-cn", 4, 6, ["zh"])
    assert all(path.exists() for path in data.images)
    assert load_retrieval(coco_cn / "imageid.human-written-caption.txt").images == data.images


def test_a_set_without_some_pictures_or_languages_stays_aligned(crossmodal):
    data = load_retrieval(crossmodal)
    fewer = data.without({0, 3})
    assert fewer.images == tuple(path for number, path in enumerate(data.images) if number not in {0, 3})
    assert fewer.captions["en"].texts[:3] == ("green 1", "green 2", "blue 1")
    assert fewer.captions["en"].owners == (0, 0, 1, 1, 2, 2, 3, 3)
    assert list(data.only(["ja", "en"]).captions) == ["ja", "en"]


def test_halves_are_disjoint_and_whole(stamps):
    whole = load_retrieval(stamps)
    first, second = (datasets.load_mixed(stamps, half=half) for half in ("first", "second"))
    assert (first.images, second.images) == (whole.images[::2], whole.images[1::2])
    assert first.captions["ru"].texts == whole.captions["ru"].texts[::2]
    with pytest.raises(UsageError, match="no half 'third'"):
        datasets.load_mixed(stamps, half="third")


def test_other_pictures_are_mixed_in_behind_and_stay_whatever_languages_are_chosen(stamps, tmp_path):
    others = tmp_path / "others"
    others.mkdir()
    for name in ("b.JPEG", "a.png", "README.md"):
        (others / name).touch()
    mixed = datasets.load_mixed(stamps, half="first", among=others).only(["fr"])
    assert mixed.images == (*load_retrieval(stamps).images[::2], others / "a.png", others / "b.JPEG")
    assert mixed.captions["fr"].owners == (0, 1, 2)
    with pytest.raises(DataMissing, match="--among"):
        datasets.load_mixed(stamps, among=tmp_path / "nowhere")


def test_a_language_without_a_picture_leaves_the_picture_out(stamps):
    rows = [json.loads(line) for line in stamps.read_text().splitlines()]
    rows[2]["captions"] = {"en": ["blue"]}
    stamps.write_text("\n".join(map(json.dumps, rows)))
    assert len(load_retrieval(stamps).only(["fr"]).images) == 5


def edit(path, line, change):
    """Change one line, counted from 1, of a file; None drops it."""
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[line - 1 : line] = [] if change is None else [change(lines[line - 1])]
    path.write_text("\n".join(lines), encoding="utf-8")


JSONL = {
    "no JSON": (lambda _: "{", "line 3: no valid JSON"),
    "no object": (lambda _: "[1]", "line 3: expected one JSON object"),
    "no picture": (lambda _: '{"captions": {"en": ["a"]}}', 'line 3: "image" must be the path'),
    "listed twice": (
        lambda line: line.replace("blue.png", "red.png"),
        r"line 3: the picture images/red.png has a line",
    ),
    "unknown language": (lambda line: line.replace('"ja"', '"jp"'), "line 3: there is no language 'jp'"),
    "no captions": (lambda line: re.sub(r'"captions": .*', '"captions": {}}', line), 'line 3: "captions" must hold'),
    "empty list": (lambda line: line.replace('["bleu"]', "[]"), "line 3: the captions of fr must be a list"),
    "empty caption": (lambda line: line.replace('"bleu"', '" "'), "line 3: a caption must be text"),
    "caption of marks only": (lambda line: line.replace('"bleu"', '"\\u200e"'), "line 3: a caption must be text"),
    "a number": (lambda line: line.replace('"bleu"', "7"), "line 3: a caption must be text"),
    "half a character": (lambda line: line.replace('"bleu"', '"\\ud83d"'), "line 3: a caption must be text"),
}


@pytest.mark.parametrize("case", JSONL)
def test_bad_lines_of_ours_are_named(stamps, case):
    change, message = JSONL[case]
    edit(stamps, 3, change)
    with pytest.raises(DataError, match=message) as caught:
        load_retrieval(stamps)
    assert str(stamps) in str(caught.value) and "\n" not in str(caught.value)


def test_bytes_that_are_no_utf_8_are_named_by_line(stamps):
    stamps.write_bytes(stamps.read_bytes().replace("蓝".encode(), b"\xff"))
    with pytest.raises(DataError, match=r"line 3: not UTF-8"):
        load_retrieval(stamps)


def test_captions_of_unequal_length_name_the_line(xtd10):
    file = xtd10 / "STAIR/test_1kcaptions_jp.txt"
    edit(file, 5, None)
    with pytest.raises(DataError, match=r"line 6: 5 captions for the 6 pictures of test_image_names.txt") as caught:
        load_retrieval(xtd10)
    assert str(file) in str(caught.value)


def test_more_captions_than_pictures_name_the_line(xtd10):
    with (xtd10 / "MIC/test_1kcaptions_fr.txt").open("a") as file:
        file.write("un de trop\n")
    with pytest.raises(DataError, match=r"test_1kcaptions_fr.txt, line 7: 7 captions for the 6 pictures"):
        load_retrieval(xtd10)


def test_duplicate_image_names_are_named(xtd10, coco_cn, crossmodal, flickr30k, flickr30k_cn):
    names = xtd10 / "XTD10/test_image_names.txt"
    edit(names, 4, lambda _: names.read_text().split("\n")[0])
    edit(coco_cn / "coco-cn_test.txt", 3, lambda _: "COCO_val2014_000000000000")
    edit(crossmodal, 2, lambda _: crossmodal.read_text().split("\n")[0])
    document = json.loads(flickr30k.read_text())
    document["images"][3]["filename"] = document["images"][1]["filename"]
    flickr30k.write_text(json.dumps(document, indent=1))
    captions = flickr30k_cn / "test/flickr30k_cn_test.txt"
    edit(captions, 2, lambda line: line.replace("#1", "#0"))
    line = [n for n, text in enumerate(flickr30k.read_text().split("\n"), 1) if '"1000092796.jpg"' in text][1]
    for path, message in (
        (xtd10, "test_image_names.txt, line 4: the picture COCO_val2014_000000000000.jpg is listed twice"),
        (coco_cn, "coco-cn_test.txt, line 3: the picture COCO_val2014_000000000000 is listed twice"),
        (crossmodal, "captions.jsonl, line 2: the picture .* has a line of its own already"),
        (flickr30k, f"dataset_flickr30k.json, line {line}: the picture 1000092796.jpg is listed twice"),
        (flickr30k_cn, "flickr30k_cn_test.txt, line 2: caption 0 of 1007129816 stands there twice"),
    ):
        with pytest.raises(DataError, match=message):
            load_retrieval(path)


def test_missing_caption_files_are_named(xtd10, coco_cn, tmp_path):
    for file in xtd10.rglob("test_1kcaptions_*"):
        file.unlink()
    with pytest.raises(DataMissing, match=r"There is no test_1kcaptions_XX.txt in"):
        load_retrieval(xtd10)
    (coco_cn / "coco-cn_test.txt").unlink()
    with pytest.raises(DataMissing, match=r"There is no file .*coco-cn_test.txt"):
        load_retrieval(coco_cn)
    for kind, message in (
        ("xtd10", "no test_image_names.txt"),
        ("coco-cn", "no imageid.human-written-caption.txt"),
        ("flickr30k-cn", "no flickr30k_cn_test.txt"),
        ("crossmodal", "no file .*captions.jsonl"),
        ("jsonl", "is a folder, not a file"),
    ):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(DataMissing, match=message):
            load_retrieval(tmp_path / "empty", kind)


def test_damaged_karpathy_files_are_named_by_line(flickr30k):
    whole = json.dumps(json.loads(flickr30k.read_text()), indent=1)
    flickr30k.write_text(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"dataset_flickr30k.json, line \d+: no valid JSON"):
        load_retrieval(flickr30k)
    flickr30k.write_text(whole.replace('"raw"', '"row"'))
    with pytest.raises(DataError, match=r"line \d+: a caption must be text"):
        load_retrieval(flickr30k)
    flickr30k.write_text(whole.replace('"test"', '"dev"'))
    with pytest.raises(DataError, match=r"no picture belongs to the split 'test'"):
        load_retrieval(flickr30k)
    flickr30k.write_text("[]")
    with pytest.raises(DataError, match=r'line 1: expected {"images"'):
        load_retrieval(flickr30k)
    flickr30k.write_text("[" * 100_000)
    with pytest.raises(DataError, match=r"no valid JSON"):
        load_retrieval(flickr30k)


def test_lines_without_picture_or_caption_are_named(flickr30k_cn, coco_cn, crossmodal):
    edit(flickr30k_cn / "test/flickr30k_cn_test.txt", 4, lambda _: "no number here")
    with pytest.raises(DataError, match=r"line 4: expected PICTURE#NUMBER and a caption"):
        load_retrieval(flickr30k_cn)
    edit(coco_cn / "imageid.human-written-caption.txt", 1, None)
    with pytest.raises(DataError, match=r"coco-cn_test.txt, line 1: .* has no caption in imageid"):
        load_retrieval(coco_cn)
    edit(crossmodal, 2, lambda line: line.replace('"ko"', '"xx"'))
    with pytest.raises(DataError, match=r"captions.jsonl, line 2: no captions in ko"):
        load_retrieval(crossmodal)


def test_empty_files_and_unknown_formats_are_said(tmp_path, stamps):
    (tmp_path / "nothing.jsonl").touch()
    with pytest.raises(DataError, match=r"is empty"):
        load_retrieval(tmp_path / "nothing.jsonl")
    with pytest.raises(UsageError, match=r"There is no format 'csv'. Formats: auto, jsonl"):
        load_retrieval(stamps, "csv")
    with pytest.raises(UsageError, match=r"is not recognised. Name it with --format"):
        load_retrieval(stamps.parent / "images")
    with pytest.raises(DataMissing, match=r"no file or folder"):
        load_retrieval(tmp_path / "nowhere")
    with pytest.raises(DataMissing, match=r"There is no folder .*nowhere. Give the folder of the pictures"):
        load_retrieval(stamps, images=tmp_path / "nowhere")


def test_every_format_can_be_named(stamps, flickr30k, flickr30k_cn, xtd10, crossmodal, coco_cn):
    places = dict(zip(datasets.RETRIEVAL, (stamps, flickr30k, flickr30k_cn, xtd10, crossmodal, coco_cn), strict=True))
    for kind, path in places.items():
        assert load_retrieval(path, kind) == load_retrieval(path)
