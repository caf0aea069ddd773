"""Why an engine program takes as long as it does: timeline, critical path, losses, roofline."""
