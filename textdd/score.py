"""`python -m textdd.score` is `textdd score`; from Python, `textdd.score(...)` is the function of `textdd.api`."""

from __future__ import annotations

if __name__ == "__main__":
    from textdd.scoring.__main__ import main

    main()
