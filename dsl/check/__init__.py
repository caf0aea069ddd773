"""From a syntax tree to a checked tile program: names, axes, types and shapes, with every mistake told at its place."""
