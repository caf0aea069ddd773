"""Pictures of runs and tunings."""
