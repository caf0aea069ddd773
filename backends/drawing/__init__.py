"""What arguments are drawn from: declared ranges, and where there is none, what the kernel does with them."""

from .domains import Domain, domains, ranges, reasons
from .limits import limits_of

__all__ = ["Domain", "domains", "limits_of", "ranges", "reasons"]
