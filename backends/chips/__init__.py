"""Chips: TOML files, one a chip, validated field by field; a user's own file works the same way."""

from .chip import Chip, Dma, Elementwise, Hbm, Psum, Sbuf, TensorUnit
from .load import chip_names, load_chip

__all__ = ["Chip", "Dma", "Elementwise", "Hbm", "Psum", "Sbuf", "TensorUnit", "chip_names", "load_chip"]
