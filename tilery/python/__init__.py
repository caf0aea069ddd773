"""What makes a kernel a Python function: its signature and documentation, arrays of any library, results, checks of arguments."""
