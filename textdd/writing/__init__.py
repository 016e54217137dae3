"""Writing: candidates that a language model writes, from a prompt with real examples to what is left of its drafts."""
