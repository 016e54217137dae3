"""Corpora as memory-mapped tokens, word vectors, and the batches that training draws from them.

A corpus passes through these files in order:

- `sources`: where it comes from: `files` (csv, tsv, jsonl, parquet, arrow), `hub`, or the generated `demo`;
- `records`: checked texts and labels, with `labels` to turn what a label column holds into class numbers;
- `word_splitting`, `tokeniser` and `store`: texts to words to numbers, kept ragged on disk; `build` does it once per
  `content`, on all cores (`parallel`);
- `splits`: the stratified validation split; `budget`: how many examples per class a budget buys;
- `corpus`: `load_corpus`, the door to all of this; `vectors`: a row of numbers for every word;
- `module`: the batches, as Lightning wants them.
"""
