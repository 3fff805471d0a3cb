from itertools import permutations

import numpy as np
import pytest
from polyglance.evaluation import metrics
from polyglance.evaluation.metrics import RelevantItems, Standing
from scipy import stats
from sklearn.metrics import balanced_accuracy_score, top_k_accuracy_score


def unit(count, dimension, seed=0):
    rows = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def one_query(scores, relevant):
    """The standing of a query that scores `scores`: items on a line, so that cosines are what we say."""
    items = np.array([[score, (1 - score**2) ** 0.5] for score in scores], np.float32)
    return metrics.standing(np.array([[1, 0]], np.float32), items, RelevantItems.from_lists([relevant]))


def test_recall_is_scikit_learns_top_k_accuracy():
    images, texts = unit(60, 16), unit(240, 16, seed=1)
    owners = np.arange(240) % 60
    texts += 0.7 * images[owners]
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    recalls = metrics.recalls(metrics.standing(texts, images, RelevantItems.from_items(owners)))
    for cut in (1, 5, 10):
        expected = top_k_accuracy_score(owners, texts @ images.T, k=cut, labels=np.arange(60))
        assert recalls[f"R@{cut}"] == pytest.approx(100 * expected)
    assert 20 < recalls["R@1"] < recalls["R@10"] < 100


def test_with_several_right_items_the_best_counts():
    queries, items = unit(50, 8), unit(90, 8, seed=1)
    random = np.random.default_rng(2)
    relevant = [sorted(random.choice(90, random.integers(1, 6), replace=False)) for _ in range(50)]
    standing = metrics.standing(queries, items, RelevantItems.from_lists(relevant))
    ranks = [stats.rankdata(-row, "ordinal")[own].min() for row, own in zip(queries @ items.T, relevant, strict=True)]
    assert standing.ranks().tolist() == ranks
    assert standing.hits(10).tolist() == [float(rank <= 10) for rank in ranks]


@pytest.mark.parametrize("size", range(1, 6))
def test_ties_give_the_mean_over_all_orders(size):
    """By counting: every order of the tied items, for every number of right ones and of items above."""
    for right in range(1, size + 1):
        orders = list(permutations(range(size)))
        for above in range(3):
            standing = Standing(*(np.array([value]) for value in (above, size, right)), items=20)
            for cut in (1, 2, 3, 5):
                firsts = [above + 1 + min(order[item] for item in range(right)) for order in orders]
                assert standing.hits(cut)[0] == pytest.approx(np.mean([first <= cut for first in firsts]))
                assert standing.ranks()[0] == pytest.approx(np.mean(firsts))


def test_ties_by_hand():
    # One better, then three equal of which one is right: place 2, 3 or 4.
    standing = one_query([0.9, 0.5, 0.5, 0.5, 0.1], [2])
    assert (standing.above[0], standing.tied[0], standing.right[0]) == (1, 3, 1)
    assert standing.hits(1)[0] == 0
    assert standing.hits(2)[0] == pytest.approx(1 / 3)
    assert standing.hits(3)[0] == pytest.approx(2 / 3)
    assert standing.hits(4)[0] == 1
    assert standing.ranks()[0] == 3
    # Two of the three are right: only the order that puts the wrong one first misses at place 2.
    assert one_query([0.9, 0.5, 0.5, 0.5], [1, 3]).hits(2)[0] == pytest.approx(2 / 3)
    # A right item below the best right one changes nothing.
    assert one_query([0.9, 0.5, 0.4], [1, 2]).hits(1)[0] == 0
    assert one_query([0.9, 0.5, 0.4], [0, 2]).hits(1)[0] == 1


def test_an_encoder_that_says_the_same_of_everything_scores_at_chance():
    same = np.tile(unit(1, 8), (40, 1))
    recalls = metrics.recalls(metrics.standing(same, same, RelevantItems.from_items(np.arange(40))))
    assert recalls == pytest.approx({"R@1": 2.5, "R@5": 12.5, "R@10": 25.0})
    assert metrics.accuracies(np.zeros((30, 10), np.float32), np.arange(30) % 10) == pytest.approx([0.1, 0.5])


def test_chance_is_the_hypergeometric_law():
    lists = [list(range(count)) for count in (1, 2, 5)]
    expected = [100 * (1 - stats.hypergeom.pmf(0, 50, count, 10)) for count in (1, 2, 5)]
    assert metrics.chance(RelevantItems.from_lists(lists), 50)["R@10"] == pytest.approx(np.mean(expected))


def test_the_size_of_chunks_changes_nothing():
    queries, items = unit(301, 24), unit(157, 24, seed=1)
    queries[100] = queries[7]
    items[150] = items[3]
    relevant = RelevantItems.from_items(np.arange(301) % 157)
    whole = metrics.standing(queries, items, relevant)
    whole_scores, _ = metrics.top(queries, items, 10)
    for chunk in (1, 4 * 157 * 3, 4 * 157 * 64):
        part = metrics.standing(queries, items, relevant, chunk)
        for name in ("above", "tied", "right"):
            assert getattr(part, name).tolist() == getattr(whole, name).tolist()
        np.testing.assert_allclose(metrics.top(queries, items, 10, chunk)[0], whole_scores, atol=metrics.TIE)


def test_equal_vectors_are_tied_wherever_they_stand():
    """BLAS adds in another order at the edges of its blocks: bits differ, the tie must not."""
    queries, items = unit(257, 1011), unit(203, 1011, seed=1)
    items[::29] = items[0]
    standing = metrics.standing(queries, items, RelevantItems.from_items(np.zeros(257, int)))
    assert set(standing.tied.tolist()) == {7}


@pytest.mark.parametrize("size", [4, 80, 163, 1000, 2049, 5000])
def test_the_first_ten_are_those_of_a_sort(size):
    queries, items = unit(30, 12), unit(size, 12, seed=1)
    items[size // 2 :: 7] = items[0]  # equal scores: the lower number comes first
    queries = np.concatenate([queries, np.sign(items[:5] - 0.01) * 12**-0.5]).astype(np.float32)
    scores, numbers = metrics.top(queries, items, 10)
    exact = next(metrics.score_chunks(queries, items))[1]
    assert numbers.tolist() == np.argsort(-exact, axis=1, kind="stable")[:, :10].tolist()
    assert scores.tolist() == np.take_along_axis(exact, numbers, axis=1).tolist()


def test_the_first_ten_of_equal_scores_are_the_first_ten():
    same = np.tile(unit(1, 8), (3000, 1))
    assert metrics.top(same[:40], same, 10)[1].tolist() == [list(range(10))] * 40


def test_classification_is_scikit_learns():
    random = np.random.default_rng(3)
    scores = random.normal(size=(400, 12)).astype(np.float32)
    labels = np.concatenate([np.arange(12), np.minimum(random.geometric(0.3, 388) - 1, 11)])  # of unlike size
    scores[np.arange(400), labels] += 1
    for cut, accuracy in zip((1, 5), metrics.accuracies(scores, labels), strict=True):
        assert accuracy == pytest.approx(top_k_accuracy_score(labels, scores, k=cut, labels=np.arange(12)))
    expected = balanced_accuracy_score(labels, scores.argmax(axis=1))
    assert metrics.mean_per_class_recall(scores, labels) == pytest.approx(expected)
    assert expected != pytest.approx(metrics.accuracies(scores, labels)[0])


def test_skewness_is_scipys():
    values = np.random.default_rng(4).geometric(0.1, 500)
    assert metrics.skewness(values) == pytest.approx(stats.skew(values))
    assert metrics.skewness([3, 3, 3]) == 0


def test_occurrences_and_overlap_by_hand():
    first, second = np.array([[0, 1, 2], [0, 1, 2]]), np.array([[2, 1, 0], [0, 3, 4]])
    assert metrics.occurrences(first, 5).tolist() == [2, 2, 2, 0, 0]
    assert metrics.overlap(first, second).tolist() == [1, pytest.approx(1 / 3)]


def test_a_query_without_a_right_item_is_refused():
    with pytest.raises(ValueError, match=r"query 1 has no relevant item"):
        RelevantItems.from_lists([[0], []])
