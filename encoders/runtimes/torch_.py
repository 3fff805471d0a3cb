"""A tower that torch computes: on every CPU, and on graphics cards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .base import Inputs, Projected, Runtime


@dataclass(frozen=True, slots=True)
class TorchTower:
    """A model of transformers with one tower, and the name of its method that returns projected vectors."""

    model: Any
    method: str
    runtime: Runtime = "torch"

    @property
    def precision(self) -> str:
        """The dtype that its weights have."""
        return str(self.model.dtype).removeprefix("torch.")

    def project(self, inputs: Inputs) -> Projected:
        """Compute the projected vectors of a batch, in float32."""
        import torch

        on_device = {}
        for name, values in inputs.items():
            tensor = torch.from_numpy(values)
            dtype = self.model.dtype if tensor.is_floating_point() else tensor.dtype
            on_device[name] = tensor.to(self.model.device, dtype)
        with torch.inference_mode():
            projected = getattr(self.model, self.method)(**on_device).pooler_output
            vectors: Projected = projected.float().cpu().numpy()
        return vectors
