"""Losses and their gradients, against figures computed by hand and against torch written the long way."""

import math

import pytest
import torch
from polyglance.training import losses


def test_the_error_of_vectors_is_the_mean_over_all_components():
    student = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    teacher = torch.tensor([[1.0, 4.0], [2.0, 4.0]])
    loss = losses.mean_squared_error(student, teacher)
    loss.backward()
    assert loss.item() == (0 + 4 + 1 + 0) / 4
    assert student.grad.tolist() == [[0.0, -1.0], [0.5, 0.0]]  # 2 (student - teacher) / 4


def test_vectors_are_not_normalised_before_they_are_compared():
    assert losses.mean_squared_error(torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0, 0.0]])).item() == 0.5


def test_two_pairs_at_right_angles_cost_what_is_computed_by_hand():
    """Logits are the scale s on the diagonal and 0 beside it: each row and column costs ln(1 + exp(-s))."""
    vectors = torch.tensor([[3.0, 0.0], [0.0, 0.5]])
    loss = losses.contrastive(vectors, vectors, torch.tensor(math.log(2.0)))
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-2.0)), abs=1e-6)


def long_way(images, texts, log_scale, same=None):
    images = [image / image.pow(2).sum().sqrt() for image in images]
    texts = [text / text.pow(2).sum().sqrt() for text in texts]
    scale = log_scale.exp()
    total = 0
    for i in range(len(images)):
        rivals = [j for j in range(len(texts)) if j == i or same is None or not same[i][j]]
        from_image = [scale * images[i].dot(texts[j]) for j in rivals]
        from_text = [scale * images[j].dot(texts[i]) for j in rivals]
        for logits in (from_image, from_text):
            total = total + torch.stack(logits).exp().sum().log() - scale * images[i].dot(texts[i])
    return total / (2 * len(images))


@pytest.mark.parametrize("groups", [None, [0, 1, 0, 2, 1, 0, 3]])
def test_the_contrastive_loss_and_its_gradients_are_those_of_the_long_way(groups):
    generator = torch.Generator().manual_seed(1)
    same = None if groups is None else losses.same_pairs(torch.tensor(groups))
    gradients = []
    for function in (losses.contrastive, long_way):
        generator.manual_seed(1)
        images, texts = (torch.randn(7, 5, generator=generator, dtype=torch.double) for _ in range(2))
        scale = torch.tensor(1.5, dtype=torch.double)
        inputs = [tensor.requires_grad_() for tensor in (images, texts, scale)]
        loss = function(*inputs, same)
        loss.backward()
        gradients.append([loss.detach(), *(tensor.grad for tensor in inputs)])
    for ours, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)


def test_captions_of_the_same_picture_are_not_each_others_negatives():
    """Two equal pairs of one picture: without the mask each would cost ln 2, although everything is right."""
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    same = losses.same_pairs(torch.tensor([4, 4]))
    assert losses.contrastive(vectors, vectors, torch.tensor(0.0), same).item() == 0
    assert losses.contrastive(vectors, vectors, torch.tensor(0.0)).item() == pytest.approx(math.log(2))


def test_examples_are_the_same_if_they_share_the_picture_or_the_text():
    same = losses.same_pairs(torch.tensor([0, 0, 1, 2]), torch.tensor([5, 6, 6, 7]))
    assert same.int().tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]]


def test_the_learned_scale_stays_between_1_and_100():
    scale = torch.tensor(7.0)
    losses.clamp_scale(scale)
    assert scale.exp().item() == pytest.approx(100)
    scale.fill_(-3.0)
    losses.clamp_scale(scale)
    assert scale.exp().item() == 1


def test_a_loss_of_half_precision_vectors_is_computed_in_float32():
    vectors = torch.eye(3, dtype=torch.bfloat16)
    assert losses.contrastive(vectors, vectors, torch.tensor(0.0)).dtype == torch.float32
