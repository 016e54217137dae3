"""Reports: what a run's result looks like to a person."""
