"""A tuning beyond its own process: workers of `--jobs`, commands of `--measure`, and how to go on later."""
