"""Search strategies: each proposes the next configuration to time."""
