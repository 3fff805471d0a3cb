import numpy as np
import pytest
from polyglance.answers.evaluation import Retrieval
from polyglance.datasets.sets import Captions, RetrievalSet
from polyglance.errors import DataError
from polyglance.evaluation import compare, retrieval

MEAN = ("", "MR")
T2I = ("text_to_image", "R@1")


def result(noise, name="a", pictures=120, seed=0):
    """A run of an encoder whose texts are their pictures' vectors with so much noise, two captions in two languages."""
    random = np.random.default_rng(seed)
    images = unit(np.random.default_rng(99).normal(size=(pictures, 16)))
    captions = {
        code: Captions(tuple(f"{code}{n}" for n in range(2 * pictures)), tuple(n // 2 for n in range(2 * pictures)))
        for code in ("en", "zh")
    }
    data = RetrievalSet("set", tuple(range(pictures)), captions)
    languages = {
        code: retrieval.rank(
            images, unit(images[own.owner_array] + noise * random.normal(size=(2 * pictures, 16))), own
        )
        for code, own in captions.items()
    }
    return retrieval.RetrievalResult(data, name, "0" * 32, images, languages, ())


def unit(rows):
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def test_an_encoder_does_not_differ_from_itself():
    tables = compare.compare(result(0.3), result(0.3))
    assert set(tables) == {"en", "zh", "mean"}
    for table in tables.values():
        assert len(table) == 7
        for measure in table.values():
            assert measure.difference == compare.Interval(0, 0, 0) and not measure.differs
            assert (
                measure.first.low < measure.first.value < measure.first.high or measure.first.low == measure.first.high
            )


def test_a_worse_encoder_is_told_apart_and_an_equal_one_is_not():
    good, worse, equal = result(0.3), result(0.45, "b", seed=1), result(0.3, "c", seed=2)
    told = compare.compare(good, worse)["mean"][MEAN]
    assert told.differs and told.difference.high < 0
    assert told.difference.value == pytest.approx(told.second.value - told.first.value)
    assert not compare.compare(good, equal)["mean"][MEAN].differs


def test_values_are_those_of_the_retrieval_document():
    good = result(0.3)
    table = compare.compare(good, good)
    document = Retrieval.from_result(good).model_dump()
    for language, figures in [*document["languages"].items(), ("mean", document["mean"])]:
        for (way, name), measure in table[language].items():
            assert measure.first.value == pytest.approx(figures[way][name] if way else figures["MR"], abs=0.005)


def test_intervals_are_those_of_a_plain_loop():
    """Drawn picture by picture, each with its two captions, without weights or matrices."""
    first, second = result(0.3), result(0.4, "b", seed=3)
    comparison = compare.compare(first, second, samples=300, seed=5)["en"][T2I]
    hits = [[run.languages["en"].to_image.hits(1)[2 * n : 2 * n + 2] for n in range(120)] for run in (first, second)]
    generator = np.random.default_rng(5)
    differences = []
    for _ in range(3):  # draws come a hundred at a time
        for picks in generator.integers(0, 120, (100, 120)):
            means = [100 * np.mean([own[pick] for pick in picks]) for own in hits]
            differences.append(means[1] - means[0])
    assert comparison.difference.low == pytest.approx(np.percentile(differences, 2.5))
    assert comparison.difference.high == pytest.approx(np.percentile(differences, 97.5))


def test_pairing_makes_the_interval_of_the_difference_narrow():
    table = compare.compare(result(0.3), result(0.31))["mean"][MEAN]
    width = table.difference.high - table.difference.low
    assert width < 0.5 * ((table.first.high - table.first.low) + (table.second.high - table.second.low))


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Two encoders of one quality, many times: the interval leaves zero out in about one of twenty."""
    wrong = sum(
        compare.compare(result(0.35, seed=2 * n), result(0.35, seed=2 * n + 1), samples=200)["mean"][MEAN].differs
        for n in range(60)
    )
    assert wrong <= 10  # binomial(60, 0.05) exceeds it once in a thousand times


def test_the_same_seed_gives_the_same_intervals():
    first, second = result(0.3), result(0.4)
    assert compare.compare(first, second, 200, 1) == compare.compare(first, second, 200, 1)
    assert compare.compare(first, second, 200, 1) != compare.compare(first, second, 200, 2)


def test_other_data_are_refused():
    with pytest.raises(DataError, match=r"a and b could not read the same pictures"):
        compare.compare(result(0.3), result(0.3, "b", pictures=119))


def test_a_language_with_few_captions_leaves_no_hole():
    images = unit(np.random.default_rng(1).normal(size=(30, 8)))
    captions = {"en": Captions(tuple("abcdefgh" * 3), tuple(range(24))), "zh": Captions(("一",), (29,))}
    ranked = {code: retrieval.rank(images, images[own.owner_array], own) for code, own in captions.items()}
    run = retrieval.RetrievalResult(RetrievalSet("s", tuple(range(30)), captions), "a", "0", images, ranked, ())
    for table in compare.compare(run, run, samples=100).values():
        assert table[MEAN].first.low == 100
