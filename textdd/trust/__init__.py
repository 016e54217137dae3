"""The trust report: what a set gives away of the texts that it was made from, beyond what other texts would show.

`heldout.py` says which texts are held out; `matches.py` and `nearest.py` hold the set against both, `itself.py` attacks
it without any student, `membership.py` by its students, whose losses `attack.py` looks at and `lira.py` beside those of
shadow students; `groups.py` asks whom a set serves badly, `triggers.py` whether something was planted in it;
`read_out.py` puts matrices into words; `sources.py` says where each threshold is from and what none of this proves;
`report.py` puts it together, and `table.py` shows it.
"""
