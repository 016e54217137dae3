"""One protocol for everybody's sets: what any set is worth, beside baselines that are tuned as it is.

`given.py` finds the sets, `rows.py` says what students are trained on, `baselines.py` and `dropping.py` make of that
what is no set yet, `trainee.py` trains and remembers, `statistics.py` and `dd_ranking.py` compare, `score.py` goes
through all of it, and `entry.py` and `table.py` say what came out.
"""
