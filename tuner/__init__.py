"""The tuner: from a checked kernel, a shape and a chip to the best configuration, and the file it is kept in.

Names are imported where they are used (`from tilery.tuner.autotune import autotune`), because Optuna is slow to import and
most calls of a tuned kernel need only the store.
"""
