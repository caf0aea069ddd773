"""Tensors in device memory that a kernel writes in one phase and uses in another."""
