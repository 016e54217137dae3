"""The trust report: what a set gives away of the texts that it was made from, beyond what other texts would show.

`heldout.py` says which texts are held out; `matches.py` and `nearest.py` hold the set against both, `membership.py` its
students, which `attack.py` attacks; `read_out.py` puts matrices into words; `sources.py` says where each threshold is
from and what none of this proves; `report.py` puts it together, and `table.py` shows it.
"""
