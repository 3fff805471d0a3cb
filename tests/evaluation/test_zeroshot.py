import numpy as np
import pytest
from evaluation_sets import CIFAR_CLASSES, WORDS, cifar_batch, paint, write_cifar
from PIL import Image
from polyglance.answers.evaluation import ZeroShot
from polyglance.config import Settings
from polyglance.datasets import load_classification, prompts
from polyglance.encoders.transformers import checkpoint
from polyglance.encoders.transformers.altclip import DualEncoder
from polyglance.errors import DataError
from polyglance.evaluation import zeroshot
from sklearn.metrics import balanced_accuracy_score

LABELS = [n % 10 for n in range(60)]


def test_metrics_are_those_of_altclips_script(tiny_altclip, settings, tmp_path):
    """Its steps written anew on transformers: normalise, mean over templates, normalise, topk, balanced accuracy."""
    import torch
    from torch.nn.functional import normalize
    from transformers import AltCLIPModel, AutoImageProcessor, AutoTokenizer

    place = write_cifar(tmp_path, test_batch=cifar_batch(LABELS, seed=9))
    data = load_classification("cifar10", place)
    names = prompts.class_names("cifar10", data.classes, "en")
    templates = prompts.templates("cifar10", "en")
    encoder = DualEncoder(checkpoint.read(tiny_altclip, "tiny"), Settings(precision="float32", device="cpu"))
    result = zeroshot.evaluate(encoder, data, names, templates, settings, tmp_path / "cache")
    document = ZeroShot.from_result(result).model_dump()

    model = AltCLIPModel.from_pretrained(tiny_altclip)
    tokenizer = AutoTokenizer.from_pretrained(tiny_altclip)
    pictures = [Image.fromarray(source.rgb) for source in data.images]
    pixels = AutoImageProcessor.from_pretrained(tiny_altclip, backend="pil")(pictures, return_tensors="pt")
    with torch.inference_mode():
        weights = []
        for name in CIFAR_CLASSES:
            texts = [template.replace("{c}", name) for template in templates]
            inputs = tokenizer(texts, padding=True, truncation=True, max_length=77, return_tensors="pt")
            mean = normalize(model.get_text_features(**inputs).pooler_output, dim=-1).mean(dim=0)
            weights.append(mean / mean.norm())
        logits = 100 * normalize(model.get_image_features(**pixels).pooler_output, dim=-1) @ torch.stack(weights, 1)
    target = torch.tensor(LABELS)
    correct = logits.topk(5, 1, True, True)[1].eq(target[:, None])
    assert document == {
        "dataset": "cifar10",
        "metrics": {
            "acc1": pytest.approx(correct[:, :1].sum().item() / 60, abs=1e-6),
            "acc5": pytest.approx(correct.sum().item() / 60, abs=1e-6),
            "mean_per_class_recall": pytest.approx(balanced_accuracy_score(LABELS, logits.argmax(1)), abs=1e-6),
        },
    }
    assert 0 < document["metrics"]["acc1"] < document["metrics"]["acc5"] < 1


def test_class_vectors_are_means_of_unit_vectors(random_encoder, tmp_path):
    names = prompts.class_names("imagefolder", ["cat", "dog"], "en")
    classes = zeroshot.class_vectors(random_encoder, names, ("a {c}", "the {c}", "{c}"), tmp_path)
    texts = random_encoder.encode_texts(["a dog", "the dog", "dog"])
    expected = texts.mean(axis=0) / np.linalg.norm(texts.mean(axis=0))
    np.testing.assert_allclose(classes[1], expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(classes, axis=1), 1, atol=1e-6)


@pytest.fixture
def colours_tree(tmp_path):
    for number, (name, value) in enumerate(
        {"red": (220, 30, 30), "green": (30, 180, 40), "blue": (40, 60, 220)}.items()
    ):
        for turn in range(3 + number):
            paint(tmp_path / "tree" / name / f"{turn}.png", value, 10 * number + turn)
    return tmp_path / "tree"


@pytest.mark.parametrize("code", ["en", "ar", "ja"])
def test_an_encoder_that_understands_is_right_in_every_language(colour, settings, tmp_path, colours_tree, code):
    data = load_classification("imagefolder", colours_tree)
    words = dict(zip(WORDS["en"], WORDS[code], strict=True))
    names = [prompts.Names(*[words[key]] * 3) for key in data.classes]
    templates = prompts.templates("imagefolder", code)
    result = zeroshot.evaluate(colour, data, names, templates, settings, tmp_path / "cache")
    assert (result.acc1, result.acc5, result.mean_per_class_recall, result.images) == (1, None, 1, 12)
    assert ZeroShot.from_result(result).metrics.acc5 is None  # three classes: AltCLIP's script says NaN


def test_a_random_encoder_is_right_as_often_as_chance(random_encoder, settings, tmp_path):
    from scipy import stats

    data = load_classification(
        "cifar10", write_cifar(tmp_path, test_batch=cifar_batch([n % 10 for n in range(600)], 3))
    )
    for code in ("en", "zh"):
        names = prompts.class_names("cifar10", data.classes, code)
        result = zeroshot.evaluate(random_encoder, data, names, ["{c}"], settings, tmp_path / "cache")
        for value, expected in ((result.acc1, 0.1), (result.acc5, 0.5), (result.mean_per_class_recall, 0.1)):
            low, high = stats.binom.interval(1 - 1e-6, 600, expected)
            assert low <= 600 * value <= high


def test_unreadable_pictures_are_named_and_an_emptied_class_is_said(colour, settings, tmp_path, colours_tree):
    (colours_tree / "red" / "1.png").write_text("no picture")
    data = load_classification("imagefolder", colours_tree)
    names = prompts.class_names("imagefolder", data.classes, "en")
    arguments = (colour, data, names, ["{c}"], settings, tmp_path / "cache")
    with pytest.raises(DataError, match=r"1 of 12 pictures cannot be read: .*1.png"):
        zeroshot.evaluate(*arguments)
    result = zeroshot.evaluate(*arguments, allow_missing=True)
    assert (result.images, result.acc1, len(result.failures)) == (11, 1, 1)
    for path in (colours_tree / "red").iterdir():
        path.write_text("no picture")
    with pytest.raises(DataError, match=r"The class 'red' has no picture that can be read"):
        zeroshot.evaluate(*arguments, allow_missing=True)
