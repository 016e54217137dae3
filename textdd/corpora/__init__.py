"""Corpora: where texts and targets come from. A corpus has no tokeniser; spaces read it.

A corpus passes through these files in order:

- `sources`: where it comes from: `files`, `hub`, or the generated `demo`;
- `records`: checked texts and targets, with `labels` (one class a text) and `several` (several labels) to turn what
  columns hold into numbers;
- `texts`: both on disk, as memory-mapped Arrow; `build` writes them once per `content`;
- `splits`: the stratified validation split; `budget`: how many examples per class a budget buys;
- `corpus`: `load_corpus`, the door to all of this.
"""
