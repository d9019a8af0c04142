"""Variations of training pictures, drawn anew for every batch."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

SHIFT, SCALE, ANGLE = 0.12, 0.15, math.radians(12)
"""Up to this share of the side, this change of size (logarithmic), this rotation."""
BRIGHTNESS, CONTRAST = 0.15, 0.2
HOLE = 0.25
"""Side of the square that is cut out of half of the pictures, as a share of the picture's."""


def augment(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Return variations of pictures in [0, 1], shape (n, 3, h, w): geometry in one resampling, then colour."""
    count = len(pictures)

    def draw(bound: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * bound

    angle, size = draw(ANGLE), torch.exp(draw(SCALE))
    mirror = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    cosine, sine = torch.cos(angle) * size, torch.sin(angle) * size
    rows = [
        torch.stack([cosine * mirror, -sine, draw(2 * SHIFT)], 1),
        torch.stack([sine * mirror, cosine, draw(2 * SHIFT)], 1),
    ]
    grid = functional.affine_grid(torch.stack(rows, 1), list(pictures.shape), align_corners=False)
    varied = functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
    level = varied.mean((1, 2, 3), keepdim=True)
    contrast = 1 + draw(CONTRAST).view(-1, 1, 1, 1)
    varied = (varied - level) * contrast + level + draw(BRIGHTNESS).view(-1, 1, 1, 1)
    return _cut_out(varied, generator).clamp(0, 1)


def _cut_out(pictures: Tensor, generator: torch.Generator) -> Tensor:
    count, _, height, width = pictures.shape
    side = max(1, round(HOLE * min(height, width)))
    top = torch.randint(0, height - side + 1, (count, 1, 1), generator=generator)
    left = torch.randint(0, width - side + 1, (count, 1, 1), generator=generator)
    row, column = torch.arange(height).view(1, -1, 1), torch.arange(width).view(1, 1, -1)
    inside = (row >= top) & (row < top + side) & (column >= left) & (column < left + side)
    chosen = torch.rand(count, 1, 1, generator=generator) < 0.5
    return torch.where((inside & chosen).unsqueeze(1), pictures.mean((2, 3), keepdim=True), pictures)
