"""The search by latencies measured from outside."""
