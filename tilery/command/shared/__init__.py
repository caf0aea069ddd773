"""What the files of several commands use: the group with its errors, common options, and how a kernel is opened."""
