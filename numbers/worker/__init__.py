"""Background work: `wake` tells the worker that there is something to do."""
