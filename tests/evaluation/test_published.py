import pytest
from polyglance.evaluation import published


def find_row(dataset, language, method):
    return next(r for r in published.retrieval() if (r.dataset, r.language, r.method) == (dataset, language, method))


def six(row):
    return [*row.text_to_image.values(), *row.image_to_text.values(), row.MR]


def test_altclips_figures_are_those_of_the_issue():
    assert six(find_row("flickr30k", "en", "AltCLIP")) == [72.5, 91.6, 95.4, 86.0, 98.0, 99.1, 90.4]
    assert six(find_row("flickr30k-cn", "zh", "AltCLIP")) == [69.8, 89.9, 94.7, 84.8, 97.4, 98.8, 89.2]
    (cifar,) = published.zeroshot()
    assert (cifar.acc1, cifar.acc5, cifar.mean_per_class_recall) == (0.95402, 0.99616, 0.95412)
    m9 = {r.language: r.image_to_text["R@10"] for r in published.retrieval() if r.method == "AltCLIP-m9"}
    assert m9 == {"en": 95.4, "es": 94.1, "fr": 92.9, "zh": 95.1, "it": 94.2, "ko": 94.4, "ru": 91.8, "ja": 91.7}


@pytest.mark.parametrize(
    "row", [r for r in published.retrieval() if r.MR is not None], ids=lambda r: f"{r.method}-{r.language}"
)
def test_mr_is_the_mean_of_the_six(row):
    """A check on our typing: the printed MR is the mean of the printed six, up to the rounding of all of them."""
    assert pytest.approx(sum(six(row)[:6]) / 6, abs=0.101) == row.MR


def test_every_row_has_a_source_and_a_size():
    for row in (*published.retrieval(), *published.zeroshot()):
        assert "https://" in row.source or "README" in row.source
        assert row.pictures in (1000, 50_000)


def test_cifar10_was_measured_on_the_train_split():
    """Only of 50,000 pictures, not of 10,000, are the published accuracies whole numbers of hits."""
    (cifar,) = published.zeroshot()
    assert cifar.split == "train"
    for value in (cifar.acc1, cifar.acc5):
        assert (value * 50_000) == pytest.approx(round(value * 50_000), abs=1e-6)
    assert abs(cifar.acc1 * 10_000 - round(cifar.acc1 * 10_000)) > 0.1


def test_rows_are_found_only_for_the_whole_set():
    assert [r.method for r in published.for_retrieval("flickr30k", "en", 1000)] == [
        "CLIP",
        "Taiyi",
        "CN-CLIP",
        "AltCLIP",
    ]
    assert published.for_retrieval("flickr30k", "en", 999) == []
    assert published.for_zeroshot("cifar10", "test", 10_000) == []
    assert len(published.for_zeroshot("cifar10", "train", 50_000)) == 1


def test_agreement_is_the_largest_difference_of_what_both_have():
    m9 = find_row("xtd10", "en", "AltCLIP-m9")
    ours = {"text_to_image": {"R@10": 1.0}, "image_to_text": {"R@10": 95.1}, "MR": 3.0}
    assert published.agreement(m9, ours) == pytest.approx(0.3)
    (cifar,) = published.zeroshot()
    metrics = {"acc1": 0.95402, "acc5": 0.9916, "mean_per_class_recall": 0.95412}
    assert published.agreement(cifar, metrics) == pytest.approx(0.456)


def test_an_encoder_is_known_by_both_its_names():
    m9 = find_row("xtd10", "en", "AltCLIP-m9")
    assert m9.is_from("altclip-m9") and m9.is_from("BAAI/AltCLIP-m9")
    assert not m9.is_from("altclip") and not m9.is_from("lite")
    assert not find_row("flickr30k", "en", "Taiyi").is_from("")
