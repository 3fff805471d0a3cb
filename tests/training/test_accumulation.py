"""The gradients of a batch computed in parts, or by several processes, are those of the whole batch."""

import pytest
import torch
from polyglance.training import losses
from polyglance.training.accumulation import backward_embeddings, backward_mean
from polyglance.training.processes import SeveralProcesses, SingleProcess

CPU = torch.device("cpu")


class Share(SeveralProcesses):
    """One of several processes, without the others."""

    def __init__(self, rank, count):
        self.device, self.rank, self.count = CPU, rank, count


def towers(dropout=0.0):
    torch.manual_seed(3)
    nn = torch.nn
    built = {
        name: nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 4))
        for name in ("image", "text")
    }
    return nn.ModuleDict(built).double()


def batch(count=11):
    generator = torch.Generator().manual_seed(5)
    return [torch.randn(2, 6, generator=generator, dtype=torch.double) for _ in range(count)]


GROUPS = torch.tensor([0, 1, 2, 3, 0, 1, 4, 5, 6, 7, 0])


def embed(model, part):
    return model["image"](torch.stack([pair[0] for pair in part])), model["text"](torch.stack([p[1] for p in part]))


def gradients(model, scale):
    return [parameter.grad.clone() for parameter in model.parameters()] + [scale.grad.clone()]


def whole_batch(pairs, dropout=0.0):
    model, scale = towers(dropout), torch.tensor(2.0, dtype=torch.double, requires_grad=True)
    loss = losses.contrastive(*embed(model, pairs), scale, losses.same_pairs(GROUPS[: len(pairs)]))
    loss.backward()
    return loss.item(), gradients(model, scale)


@pytest.mark.parametrize("size", [1, 3, 4, 11, 64])
def test_the_contrastive_gradients_of_micro_batches_are_those_of_the_large_batch(size):
    pairs = batch()
    model, scale = towers(), torch.tensor(2.0, dtype=torch.double, requires_grad=True)

    def loss(images, texts):
        return losses.contrastive(images, texts, scale, losses.same_pairs(GROUPS))

    value = backward_embeddings(pairs, size, lambda part: embed(model, part), loss, SingleProcess(CPU))
    expected, expected_gradients = whole_batch(pairs)
    assert value == pytest.approx(expected, rel=1e-14)
    for ours, theirs in zip(gradients(model, scale), expected_gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


def test_the_gradients_of_a_mean_are_those_of_the_large_batch():
    pairs = batch()
    results = []
    for size in (2, 11):
        model = towers()

        def mean(part, model=model):
            return losses.mean_squared_error(*embed(model, part))

        value = backward_mean(pairs, size, mean, SingleProcess(CPU))
        results.append((value, [parameter.grad.clone() for parameter in model.parameters()]))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-6)
    for ours, theirs in zip(results[0][1], results[1][1], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


def test_dropout_drops_the_same_when_a_part_is_computed_again():
    """The gradient then is that of the loss that was computed: moving along it changes the loss as it says."""
    pairs = batch(6)
    model = towers(dropout=0.5)
    scale = torch.tensor(2.0, dtype=torch.double)
    masks = []

    def embed_and_note(part):
        vectors = embed(model, part)
        masks.append([vector.detach().clone() for vector in vectors])
        return vectors

    torch.manual_seed(9)
    backward_embeddings(
        pairs, 2, embed_and_note, lambda images, texts: losses.contrastive(images, texts, scale), SingleProcess(CPU)
    )
    first, again = masks[:3], masks[3:]
    for before, after in zip(first, again, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert not torch.equal(first[0][0], first[1][0])


def test_frozen_pictures_need_no_gradient():
    pairs = batch(5)
    model, scale = towers(), torch.tensor(2.0, dtype=torch.double, requires_grad=True)
    model["image"].requires_grad_(False)
    backward_embeddings(
        pairs,
        2,
        lambda part: embed(model, part),
        lambda images, texts: losses.contrastive(images, texts, scale),
        SingleProcess(CPU),
    )
    assert all(parameter.grad is None for parameter in model["image"].parameters())
    assert all(parameter.grad is not None for parameter in model["text"].parameters())


@pytest.mark.parametrize("count", [2, 3])
def test_shares_of_processes_cover_a_batch_once(count):
    pairs = list(range(11))
    shares = [Share(rank, count).share(pairs) for rank in range(count)]
    assert [pair for share in shares for pair in share] == pairs
