"""A kernel as a Python function: signature and documentation, arrays of any library, results, checks of arguments."""
