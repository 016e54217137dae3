"""What an outer step costs, counted and not timed, so that the same command makes the same set on every machine.

The unit is a token-step: a token of a distilled text, read in a training step that is differentiated. The weights were
fitted to the seconds that a TextCNN takes on one CPU core, on five corpora for the meta-gradient.
"""

PER_MINUTE = 6.223e6
"""Token-steps that a TextCNN takes in a minute on two cores."""

READ = 0.17
"""A token of which only the features are wanted."""

LEARN = 0.4
"""A token that is differentiated once, with respect to text or student."""


def differentiated(steps: float, batch: int, length: int) -> float:
    """Training steps through which the outer loss is differentiated.

    A step costs as much as 160 tokens of its mini-batch whatever its size: it updates all parameters.

    Args:
        steps: how many.
        batch: examples in each.
        length: L of a distilled text.
    """
    return steps * (160 + batch * length)


def plain(steps: float, batch: int, length: int) -> float:
    """Training steps without a derivative; arguments as above."""
    return differentiated(steps, batch, length) / 3
