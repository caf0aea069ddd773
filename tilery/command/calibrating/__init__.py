"""What `tilery calibrate` reads and writes."""
