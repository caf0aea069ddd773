"""Forms of the language that chips execute."""
