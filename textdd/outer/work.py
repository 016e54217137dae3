"""What an outer step costs, counted and not timed, so that the same command does as much on every machine.

The unit is a token-step: what one token more in a distilled text adds to a training step that is differentiated. The
weights were fitted to the seconds that a TextCNN takes on one CPU core, of short and long texts in small and large
mini-batches. A token is a small part of them: derivatives touch only the windows that win each filter, as many per text
whatever its length, and an optimiser touches all parameters whatever the mini-batch.
"""

PER_MINUTE = 20.5e6
"""Token-steps that a TextCNN takes in a minute on two cores."""


def differentiated(steps: float, batch: int, length: int) -> float:
    """Training steps through which the outer loss is differentiated.

    Args:
        steps: how many.
        batch: examples in each.
        length: L of a text.
    """
    return steps * (800 + batch * (21 + length))


def plain(steps: float, batch: int, length: int) -> float:
    """Training steps without a derivative; arguments as above."""
    return steps * (480 + batch * (6 + 0.9 * length))


def read(batch: int, length: int) -> float:
    """Features of texts; arguments as above."""
    return 0.9 * batch * length


def learn(batch: int, length: int) -> float:
    """Features of texts and one derivative, with respect to the texts or the student; arguments as above."""
    return read(batch, length) + 5 * batch
