"""Fuzz tests: malformed files and options, made from valid ones; what may happen is success, or an error with a remedy.

`make fuzz MINUTES=10` goes on for so long and prints counts; `python -m tests.fuzz KIND NUMBER` runs one case again,
and leaves its folder. `make test` runs the first cases of each kind.
"""
