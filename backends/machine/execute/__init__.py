"""What an engine program computes, instruction by instruction."""
