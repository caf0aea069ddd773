"""A program executed as it reads, tile by tile, with stops and probes."""
