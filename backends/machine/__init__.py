"""What every chip of queues and buffers shares: its program, and how that is executed, timed and explained."""
