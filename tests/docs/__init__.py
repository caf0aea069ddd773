"""The pages that users read, held to what they say.

- `blocks.blocks_of(page)`: every fenced block of a page, with its line and the comment directly above it.
- `follow.py`: does what a page says, block by block, in the folder that it is started in.
"""
