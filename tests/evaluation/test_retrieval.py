import json

import numpy as np
import pytest
from checkpoints import SENTENCES
from evaluation_sets import WORDS, paint, write_jsonl
from PIL import Image
from polyglance.answers.evaluation import Retrieval
from polyglance.config import Settings
from polyglance.datasets import load_retrieval
from polyglance.datasets.sets import Captions
from polyglance.encoders.transformers import checkpoint
from polyglance.encoders.transformers.altclip import DualEncoder
from polyglance.errors import DataError, DataMissing, UsageError
from polyglance.evaluation import retrieval
from scipy import stats

WAYS = ("text_to_image", "image_to_text")


def document_of(result):
    return Retrieval.from_result(result).model_dump()


@pytest.fixture
def measure(settings, tmp_path):
    def run(encoder, path, **options):
        return retrieval.evaluate(encoder, load_retrieval(path), settings, tmp_path / "cache", **options)

    return run


def test_an_encoder_that_understands_scores_100_in_every_format_and_language(
    colour, measure, stamps, flickr30k, flickr30k_cn, xtd10, crossmodal, coco_cn
):
    sizes = {stamps: 9, flickr30k: 1, flickr30k_cn: 1, xtd10: 8, crossmodal: 9, coco_cn: 1}
    for path, languages in sizes.items():
        document = document_of(measure(colour, path))
        assert len(document["languages"]) == languages
        for figures in (*document["languages"].values(), document["mean"]):
            perfect = {"R@1": 100.0, "R@5": 100.0, "R@10": 100.0}
            assert figures == {"text_to_image": perfect, "image_to_text": perfect, "MR": 100.0}


def test_the_document_is_the_contract(colour, measure, stamps):
    document = document_of(measure(colour, stamps, languages=["en", "zh"]))
    assert list(document) == ["dataset", "encoder", "images", "texts", "languages", "mean"]
    assert (document["dataset"], document["encoder"], document["images"], document["texts"]) == (
        "stamps",
        "colour",
        6,
        12,
    )
    assert list(document["languages"]) == ["en", "zh"]
    assert list(document["mean"]) == [*WAYS, "MR"]


def test_a_random_encoder_scores_at_chance_in_both_languages(random_encoder, measure, tmp_path):
    """150 pictures, three captions each in two languages; bounds that a fair run leaves once in a million."""
    rows = []
    for number in range(150):
        paint(tmp_path / "chance" / f"{number}.png", (number, 80, 120), number)
        captions = {"en": [f"picture {number} {n}" for n in range(3)], "zh": [f"图片{number}之{n}" for n in range(3)]}
        rows.append({"image": f"{number}.png", "captions": captions})
    result = measure(random_encoder, write_jsonl(tmp_path / "chance", rows))
    for language, figures in document_of(result)["languages"].items():
        chance = result.languages[language].chance
        assert chance["text_to_image"]["R@10"] == pytest.approx(100 * 10 / 150)
        assert chance["image_to_text"]["R@10"] == pytest.approx(100 * (1 - stats.hypergeom.pmf(0, 450, 3, 10)))
        for way, queries in (("text_to_image", 450), ("image_to_text", 150)):
            for name, expected in chance[way].items():
                low, high = stats.binom.interval(1 - 1e-6, queries, expected / 100)
                assert low <= figures[way][name] / 100 * queries <= high, (language, way, name)


def test_figures_are_those_of_transformers_called_directly(tiny_altclip, settings, tmp_path):
    """The whole pipeline, against processor and model as transformers documents them and ranks by sorting."""
    import torch
    from transformers import AltCLIPModel, AltCLIPProcessor, AutoImageProcessor, AutoTokenizer

    random = np.random.default_rng(1)
    rows, pictures, texts, owners = [], [], [], []
    for number in range(12):
        coarse = Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        pictures.append(coarse.resize((40, 52), Image.Resampling.BICUBIC))
        (tmp_path / "set").mkdir(exist_ok=True)
        pictures[-1].save(tmp_path / "set" / f"{number}.png")
        own = [" ".join(random.permutation(SENTENCES[code].split())) for code in ("en", "fr")]
        rows.append({"image": f"{number}.png", "captions": {"en": own}})
        texts += own
        owners += [number, number]
    encoder = DualEncoder(checkpoint.read(tiny_altclip, "tiny"), Settings(precision="float32", device="cpu"))
    data = load_retrieval(write_jsonl(tmp_path / "set", rows))
    recalls = document_of(retrieval.evaluate(encoder, data, settings, tmp_path / "cache"))["languages"]["en"]

    preparation = AutoImageProcessor.from_pretrained(tiny_altclip, backend="pil")
    processor = AltCLIPProcessor(preparation, AutoTokenizer.from_pretrained(tiny_altclip))
    model = AltCLIPModel.from_pretrained(tiny_altclip)
    with torch.inference_mode():
        inputs = processor(
            text=texts, images=pictures, padding=True, truncation=True, max_length=77, return_tensors="pt"
        )
        scores = model(**inputs).logits_per_text.numpy()
    owners = np.array(owners)
    image_places = (scores > scores[np.arange(24), owners][:, None]).sum(axis=1)
    text_places = np.array([(scores[:, n] > scores[owners == n, n].max()).sum() for n in range(12)])
    for way, places in zip(WAYS, (image_places, text_places), strict=True):
        expected = {f"R@{cut}": round(100 * float((places < cut).mean()), 2) for cut in (1, 5, 10)}
        assert recalls[way] == expected
        assert 0 < recalls[way]["R@5"] < recalls[way]["R@10"] < 100


def test_equal_captions_of_ours_belong_to_all_their_pictures():
    captions = Captions(("a key", "a cat", "a key"), (0, 1, 2))
    images, texts, captioned = retrieval.relevance(captions, shared=True)
    assert [images.items[a:b].tolist() for a, b in zip(images.starts, images.starts[1:], strict=False)] == [
        [0, 2],
        [1],
        [0, 2],
    ]
    assert [texts.items[a:b].tolist() for a, b in zip(texts.starts, texts.starts[1:], strict=False)] == [
        [0, 2],
        [1],
        [0, 2],
    ]
    assert captioned.tolist() == [0, 1, 2]


def test_equal_captions_of_published_sets_count_for_their_own_picture():
    captions = Captions(("a key", "a cat", "a key", "keys"), (2, 1, 0, 2))
    images, texts, captioned = retrieval.relevance(captions, shared=False)
    assert images.items.tolist() == [2, 1, 0, 2]
    assert [texts.items[a:b].tolist() for a, b in zip(texts.starts, texts.starts[1:], strict=False)] == [
        [2],
        [1],
        [0, 3],
    ]
    assert captioned.tolist() == [0, 1, 2]


def test_several_pictures_of_one_caption_are_all_right(colour, measure, tmp_path):
    rows = []
    for number in range(4):
        paint(tmp_path / "set" / f"{number}.png", (220, 30, 30 + number), number)
        rows.append({"image": f"{number}.png", "captions": {"en": ["something red"]}})
    document = document_of(measure(colour, write_jsonl(tmp_path / "set", rows)))
    assert document["texts"] == 4
    assert document["languages"]["en"]["text_to_image"]["R@1"] == 100
    assert document["languages"]["en"]["image_to_text"]["R@1"] == 100


def test_pictures_without_a_caption_in_a_language_are_searched_but_do_not_ask(colour, measure, stamps):
    rows = [json.loads(line) for line in stamps.read_text().splitlines()]
    del rows[0]["captions"]["fr"]
    write_jsonl(stamps.parent, rows)
    french = measure(colour, stamps).languages["fr"]
    assert french.to_image.items == 6
    assert french.captioned.tolist() == [1, 2, 3, 4, 5]
    assert len(french.to_text.above) == 5


def test_missing_pictures_are_counted_and_named(colour, measure, stamps):
    for name in ("red", "blue", "black", "white"):
        (stamps.parent / "images" / f"{name}.png").unlink()
    with pytest.raises(
        DataMissing, match=r"4 of 6 pictures are missing: .*red.png, .*blue.png, .*black.png …"
    ) as caught:
        measure(colour, stamps)
    assert "--allow-missing" in caught.value.hint
    result = measure(colour, stamps, allow_missing=True)
    assert [failure.number for failure in result.failures] == [0, 2, 4, 5]
    assert {failure.reason for failure in result.failures} == {"is not there"}
    document = document_of(result)
    assert (document["images"], document["texts"], document["mean"]["MR"]) == (2, 18, 100)


@pytest.mark.parametrize("name", ["\ud83d.png", "x" * 300 + ".png", "a\nb.png"])
def test_names_that_no_file_has_are_missing_pictures(colour, measure, stamps, name):
    rows = [json.loads(line) for line in stamps.read_text().splitlines()]
    rows[3]["image"] = name
    stamps.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(DataMissing, match="1 of 6 pictures are missing") as caught:
        measure(colour, stamps)
    str(caught.value).encode()
    assert "\n" not in str(caught.value)
    assert len(measure(colour, stamps, allow_missing=True).failures) == 1


def test_unreadable_pictures_are_counted_and_named(colour, measure, stamps):
    (stamps.parent / "images" / "green.png").write_text("no picture")
    (stamps.parent / "images" / "red.png").unlink()
    (stamps.parent / "images" / "red.png").mkdir()
    with pytest.raises(DataError, match=r"2 of 6 pictures cannot be read: .*red.png, .*green.png"):
        measure(colour, stamps)
    result = measure(colour, stamps, allow_missing=True)
    assert [(failure.number, failure.reason) for failure in result.failures] == [
        (0, "is not a regular file (a folder)"),
        (1, "is not a picture polyglance can read"),
    ]
    assert document_of(result)["mean"]["MR"] == 100


def test_nothing_left_is_said(colour, measure, stamps):
    for path in (stamps.parent / "images").iterdir():
        path.unlink()
    with pytest.raises(DataMissing, match=r"None of the 6 pictures is left"):
        measure(colour, stamps, allow_missing=True)


def test_a_language_that_the_set_lacks_is_said(colour, measure, xtd10):
    with pytest.raises(UsageError, match=r"There is no language 'ar' in xtd10. There are: en, zh, es"):
        measure(colour, xtd10, languages=["en", "ar"])


def test_a_language_that_loses_its_captions_is_said(colour, measure, stamps):
    rows = [json.loads(line) for line in stamps.read_text().splitlines()]
    for row in rows[1:]:
        del row["captions"]["it"]
    write_jsonl(stamps.parent, rows)
    (stamps.parent / rows[0]["image"]).unlink()
    with pytest.raises(DataError, match=r"No caption in it is left"):
        measure(colour, stamps, allow_missing=True)


def test_all_nine_languages_come_in_their_order(colour, measure, crossmodal):
    assert list(measure(colour, crossmodal).languages) == list(WORDS)
