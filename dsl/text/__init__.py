"""From the text of a `.tk` file to its syntax tree, and back to a text in one layout."""
