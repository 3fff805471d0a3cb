"""The losses, as pure functions of tensors."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

LARGEST_SCALE = math.log(100)
"""Limit of the logarithm of the learned scale (CLIP, arXiv 2103.00020, 2.5; open_clip)."""


def mean_squared_error(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean over all components of vectors (n, d) that are not normalised."""
    return functional.mse_loss(full(student), full(teacher))


def contrastive(images: Tensor, texts: Tensor, log_scale: Tensor, same: Tensor | None = None) -> Tensor:
    """Symmetric cross-entropy of n pairs: picture i belongs to text i. `images` and `texts` are (n, d), not normalised.

    `same` (n, n), bool: pairs (i, j) that show the same; they are not each other's negatives.
    """
    images = functional.normalize(full(images), dim=-1)
    texts = functional.normalize(full(texts), dim=-1)
    logits = full(log_scale).exp() * images @ texts.T
    if same is not None:
        others = same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)
        logits = logits.masked_fill(others, -math.inf)
    targets = torch.arange(len(logits), device=logits.device)
    return (functional.cross_entropy(logits, targets) + functional.cross_entropy(logits.T, targets)) / 2


def same_pairs(*groups: Tensor) -> Tensor:
    """(n, n), bool: whether examples i and j agree in at least one of the `groups` (n,), as picture, class or text."""
    same = groups[0][:, None] == groups[0][None]
    for group in groups[1:]:
        same = same | (group[:, None] == group[None])
    return same


def full(values: Tensor) -> Tensor:
    """`values` in float32 if they are in half precision; a loss of a large batch needs it."""
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values


def clamp_scale(log_scale: Tensor) -> None:
    """Keep the learned scale between 1 and 100, in place, as open_clip does after each step."""
    with torch.no_grad():
        log_scale.clamp_(0, LARGEST_SCALE)
