"""Functions applied to values: elementwise ones, reductions, scans, products, and calls of `fn`s."""
