"""What training a student costs, counted and not timed, so that the same command does as much on every machine.

The unit is a token-step: what one token more in a distilled text adds to a training step of a TextCNN that is
differentiated. Every student has weights of its own, fitted to the seconds that it takes on one CPU core, of short and
long texts in small and large mini-batches (experiments/work.py); of a TextCNN a token is a small part of them, since
derivatives touch only the windows that win each filter, and an optimiser touches all parameters whatever the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

PER_MINUTE = 20.5e6
"""Token-steps in a minute on two cores."""


class Weights(NamedTuple):
    """Token-steps of one step whatever it reads, of each text in it, of each token in a text, and of each place.

    What is read place by place (an LSTM) takes its time for every place of the longest text, however many texts there
    are.
    """

    step: float = 0.0
    text: float = 0.0
    token: float = 0.0
    place: float = 0.0

    def of(self, steps: float, batch: float, length: float) -> float:
        """Token-steps of so many steps that read `batch` texts of `length` tokens each."""
        return steps * (self.step + length * self.place + batch * (self.text + length * self.token))


NOTHING = Weights()


@dataclass(frozen=True)
class Work:
    """What the steps of one student cost.

    Attributes:
        differentiated: a training step through which the outer loss is differentiated.
        plain: a training step without a derivative.
        read: features of texts.
        learn: features of texts and one derivative, with respect to the texts or the student.
        below: what lies below the learned part, of real texts; nothing where that is nothing.
        below_learn: the same of distilled texts, with a derivative.
    """

    differentiated: Weights
    plain: Weights
    read: Weights
    learn: Weights
    below: Weights = NOTHING
    below_learn: Weights = NOTHING

    @classmethod
    def of_layers(cls, layers: int, weights: int, parameters: int) -> Work:
        """A transformer: layers of attention, norms and matrix products over tokens.

        Args:
            layers: how many times a text goes through such.
            weights: numbers in the matrices that every token meets.
            parameters: P, which the optimiser touches.
        """
        return cls(
            differentiated=Weights(150 + 900 * layers + 0.003 * parameters, 0.0, 1.6 * layers + 4.8e-5 * weights),
            plain=Weights(100 + 300 * layers + 0.0015 * parameters, 0.0, 0.45 * layers + 1.5e-5 * weights),
            read=Weights(40 + 90 * layers, 0.0, 0.15 * layers + 5.5e-6 * weights),
            learn=Weights(60 + 280 * layers + 0.0005 * parameters, 0.0, 0.45 * layers + 1.5e-5 * weights),
        )

    @classmethod
    def of_weights(cls, matrices: int, parameters: int) -> Work:
        """An ordinary small network that says no more of itself: every token meets every matrix once.

        Right within a factor of two for layers of products, convolutions and attention of ordinary texts; a network
        that reads place by place, or means before it multiplies, does better to write its own `work`.

        Args:
            matrices: how many, the head included.
            parameters: P.
        """
        return cls(
            differentiated=Weights(86 * matrices + 0.0045 * parameters, 0.0, 0.1 * matrices + 3.8e-5 * parameters),
            plain=Weights(42 * matrices + 0.0012 * parameters, 0.0, 0.024 * matrices + 1.35e-5 * parameters),
            read=Weights(10.5 * matrices + 2.4e-4 * parameters, 0.0, 0.008 * matrices + 5.7e-6 * parameters),
            learn=Weights(29 * matrices + 6.6e-4 * parameters, 0.0, 0.018 * matrices + 1.3e-5 * parameters),
        )
