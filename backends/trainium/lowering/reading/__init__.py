"""What a load takes besides a transfer: bytes taken apart, elements gathered."""
