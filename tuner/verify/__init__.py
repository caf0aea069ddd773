"""No configuration wins unchecked: execution on a small shape against the reference."""
