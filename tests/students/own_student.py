"""A student of one's own, as a user would write it: a gated mean of the words."""

import torch
from torch import nn

from textdd.students import Student


class GatedMean(Student):
    """Every word is weighted by a gate that it opens itself."""

    def __init__(self, dimension, classes, units=50):
        super().__init__(units, classes)
        self.gate, self.value = nn.Linear(dimension, units), nn.Linear(dimension, units)

    def features(self, x, mask=None):
        if mask is None:
            mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        words = torch.sigmoid(self.gate(x)) * torch.tanh(self.value(x))
        words = words.masked_fill(~mask.unsqueeze(-1), 0)
        return words.sum(1) / mask.sum(1, keepdim=True)
