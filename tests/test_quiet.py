"""What libraries say that is no use to a user is silenced, also in processes that are spawned; all else is heard."""

import subprocess
import sys

SPEAKING = """
import logging, multiprocessing, sys, warnings
from textdd.quiet import quiet

def speak():
    warnings.warn("The number of training batches (4) is smaller than the logging interval Trainer(...).")
    warnings.warn("The 'train_dataloader' does not have many workers which may be a bottleneck.")
    warnings.warn("something new")
    for name in ("pytorch_lightning.utilities.rank_zero", "lightning_fabric.utilities.distributed"):
        logger = logging.getLogger(name)
        print(logger.isEnabledFor(logging.INFO), logger.isEnabledFor(logging.WARNING))

if __name__ == "__main__":
    quiet()
    speak()
    sys.stdout.flush()
    child = multiprocessing.get_context("spawn").Process(target=speak)
    child.start()
    child.join()
"""


def test_quiet_here_and_in_spawned_processes(tmp_path):
    (tmp_path / "speaking.py").write_text(SPEAKING)
    done = subprocess.run([sys.executable, tmp_path / "speaking.py"], capture_output=True, text=True, check=True)
    assert [line for line in done.stderr.splitlines() if "Warning: " in line and "something new" not in line] == []
    assert done.stderr.count("UserWarning: something new") == 2
    assert done.stdout.splitlines() == ["False True"] * 4
