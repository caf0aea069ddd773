"""Tiles on the chip that are written in parts, cut and renamed: access patterns of one buffer, and copies where these do not do.

views    the part of a buffer that an index means, and the axis that lies across the partitions there
aliases  which values still lie in a buffer that is about to be overwritten
copies   where the tiles of unrolled steps lie
cut      reading a part
insert   writing a part in place
"""
