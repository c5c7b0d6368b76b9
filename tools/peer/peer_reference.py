"""The float64 reference with what llama.cpp's processor code rounds on purpose: GELU, from a table of float16 numbers.

SPDX-License-Identifier: Apache-2.0
"""

import math

import torch

from golden.reference import Reference


class PeerReference(Reference):
    """Whatever GELU the family has, this one has the approximation by tanh, of a float16 and rounded to one, from -10 to 10."""

    @property
    def rounds(self):
        return self.spec.activation.startswith("gelu")

    def _activation(self, x):
        if not self.rounds:
            return super()._activation(x)
        half = x.half().double()
        y = 0.5 * half * (1 + torch.tanh(math.sqrt(2 / math.pi) * (half + 0.044715 * half**3)))
        return torch.where(x.abs() < 10, y.half().double(), x.clamp(min=0.0))
