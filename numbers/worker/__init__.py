"""Background work: `wake` a worker, `run` one, its `duties`, `schedule`, `heartbeat`, `listener`, `failures`."""
