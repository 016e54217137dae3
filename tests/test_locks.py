"""Shared work in real processes: one does it, the others wait; a killed one blocks nobody."""

import multiprocessing
import os
import signal
import time

from textdd.locks import claim

FORK = multiprocessing.get_context("fork")


def work(path, log, seconds):
    with claim(path, "the work") as ours:
        if ours:
            with log.open("a") as file:
                file.write("begun\n")
            time.sleep(seconds)
            path.write_text("whole")
    assert path.read_text() == "whole"


def start(path, log, seconds):
    process = FORK.Process(target=work, args=(path, log, seconds))
    process.start()
    return process


def wait_for(log):
    while not log.exists():
        time.sleep(0.01)


def test_of_several_processes_one_works(tmp_path):
    path, log = tmp_path / "made", tmp_path / "log"
    processes = [start(path, log, 0.3) for _ in range(3)]
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert log.read_text() == "begun\n"


def test_the_lock_of_a_killed_process_blocks_nobody(tmp_path, capfd):
    path, log = tmp_path / "made", tmp_path / "log"
    holder = start(path, log, 60)
    wait_for(log)
    waiting = start(path, log, 0)
    time.sleep(0.5)
    assert waiting.is_alive()
    os.kill(holder.pid, signal.SIGKILL)
    waiting.join(30)
    holder.join(30)
    assert waiting.exitcode == 0
    assert log.read_text() == "begun\nbegun\n"
    assert "waiting for another process, which has begun: the work" in capfd.readouterr().err
