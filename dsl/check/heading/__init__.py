"""What the heading of a kernel says of sizes, beside its dimensions' names."""
