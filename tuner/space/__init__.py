"""The configurations of a kernel: numbered, screened for what fits, and bounded."""
