"""Whether results are right: drawn arguments, the float64 reference, and the errors that are allowed."""
