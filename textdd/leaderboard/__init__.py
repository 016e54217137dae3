"""The leaderboard: what `textdd score ... score.entry=FILE` wrote, checked, as a page and as Markdown.

`entries.py` reads and checks entries, `board.py` makes a line of each student of each, `page.py` shows them.
"""
