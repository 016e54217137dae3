"""One form of file a module: how its rows are read, in batches and never whole."""
