"""How good a set of texts is, beside what students make of it: size, variety, copies, overlap, labels, readability.

`grams.py` finds word sequences that texts share, `variety.py` looks at the set alone, `against.py` goes through the
corpus once, `overlap.py` refuses texts that stand among those that figures are measured on, `agreement.py` asks a
teacher, `perplexity.py` a language model, and `report.py` puts all of it together.
"""
