"""The search by the engine model, for one objective or several."""
