"""The chips of the family that ship with tilery, a TOML file each."""
