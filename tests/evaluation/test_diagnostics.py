from itertools import combinations

import numpy as np
import pytest
from polyglance.data.vectors.index import VectorIndex
from polyglance.datasets import load_retrieval
from polyglance.datasets.sets import Captions, RetrievalSet
from polyglance.evaluation import ann, diagnostics, retrieval
from polyglance.evaluation.metrics import RelevantItems
from polyglance.search.ranking import calibrate
from scipy import stats


def unit(count, dimension=16, seed=0):
    rows = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_hubness_is_the_skewness_of_how_often_each_is_found():
    queries, items = unit(300), unit(90, seed=1)
    counts = np.bincount(np.argsort(-(queries @ items.T), axis=1)[:, :10].ravel(), minlength=90)
    measured = diagnostics.hubness(queries, items)
    assert measured.skewness == pytest.approx(stats.skew(counts))
    assert (measured.largest, measured.never) == (counts.max(), pytest.approx((counts == 0).mean()))


def test_a_hub_is_seen():
    queries, items = unit(300), unit(90, seed=1)
    items[7] = queries.mean(axis=0) / np.linalg.norm(queries.mean(axis=0))
    hub = queries + 0.9 * items[7]
    hub /= np.linalg.norm(hub, axis=1, keepdims=True)
    assert diagnostics.hubness(hub, items).skewness > diagnostics.hubness(queries, items).skewness + 1
    assert diagnostics.hubness(hub, items).largest > 290


def test_consistency_is_the_overlap_of_the_first_ten_of_the_same_picture(random_encoder):
    images = unit(50)
    texts = {"en": unit(50, seed=1), "zh": unit(50, seed=2), "fr": unit(20, seed=3)}
    texts["zh"][:25] = texts["en"][:25]
    owners = {"en": range(50), "zh": range(50), "fr": range(30, 50)}
    captions = {code: Captions(("x",) * len(own), tuple(own)) for code, own in owners.items()}
    ranked = {code: retrieval.rank(images, texts[code], own) for code, own in captions.items()}
    run = retrieval.RetrievalResult(RetrievalSet("s", tuple(range(50)), captions), "a", "0", images, ranked, ())
    firsts = {
        code: {
            owner: set(np.argsort(-(images @ vector))[:10])
            for owner, vector in zip(owners[code], texts[code], strict=True)
        }
        for code in texts
    }
    measured = diagnostics.consistency(run)
    expected = []
    for left, right in combinations(texts, 2):
        both = set(firsts[left]) & set(firsts[right])
        share = np.mean([len(firsts[left][owner] & firsts[right][owner]) / 10 for owner in both])
        row, column = measured.languages.index(left), measured.languages.index(right)
        assert measured.pairs[row][column] == measured.pairs[column][row] == pytest.approx(share)
        expected.append(share)
    assert measured.pairs[0][1] > 0.5 > measured.pairs[0][2]
    assert measured.mean == pytest.approx(np.mean(expected))


def test_one_language_has_nothing_to_be_consistent_with(colour, settings, stamps, tmp_path):
    run = retrieval.evaluate(colour, load_retrieval(stamps), settings, tmp_path / "cache", languages=["ko"])
    assert diagnostics.consistency(run).mean is None


def test_the_relevance_cut_is_counted_with_the_shipped_calibration():
    images = unit(200)
    texts = images[np.arange(100) % 50] + 0.25 * unit(100, seed=4)
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    right = RelevantItems.from_lists([[n % 50, 50 + n % 7] for n in range(100)])
    measured = diagnostics.relevance_cuts(texts, images, right, (0.1, 0.9, 1.1))
    for cut in measured:
        shown = hits = empty = 0
        for number, row in enumerate(texts @ images.T):
            passed = set(np.flatnonzero(calibrate.relevance(row, row, 200) >= cut.relevance))
            shown += len(passed)
            hits += len(passed & {number % 50, 50 + number % 7})
            empty += not passed
        assert cut.precision == (pytest.approx(hits / shown) if shown else None)
        assert cut.recall == pytest.approx(hits / 200)
        assert (cut.shown, cut.empty) == (pytest.approx(shown / 100), pytest.approx(empty / 100))
    assert measured[0].shown > measured[1].shown > measured[2].shown == 0
    assert 0 < measured[1].recall < 1


def test_the_librarys_index_finds_what_an_exact_search_finds():
    items = unit(3000, 24)
    items[100:110] = items[0]  # copies are one vector
    measured = ann.measure(unit(1500, 24, seed=1), items)
    assert (measured.recall, measured.queries, measured.vectors) == (1.0, 1000, 2990)


def test_an_index_that_misses_is_seen(monkeypatch):
    whole = VectorIndex.search

    def forgets_the_best(self, query, count):
        scores, ids = whole(self, query, count + 2)
        return scores[2:], ids[2:]

    monkeypatch.setattr(VectorIndex, "search", forgets_the_best)
    assert ann.measure(unit(100, 24, seed=1), unit(500, 24)).recall == pytest.approx(0.8, abs=0.01)


def test_fewer_pictures_than_ten_are_no_problem():
    assert ann.measure(unit(5), unit(3)).recall == 1.0
    assert diagnostics.hubness(unit(5), unit(3)).never == 0
