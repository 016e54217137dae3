"""Where numbers go: a metrics file that is the record, and mirrors of it in CSV, TensorBoard and Weights & Biases."""

from textdd.loggers.config import LoggerConfig
from textdd.loggers.metrics import MetricsFile
from textdd.loggers.mirrors import Mirrors

__all__ = ["LoggerConfig", "MetricsFile", "Mirrors"]
