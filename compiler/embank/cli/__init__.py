"""The `embank` command: one module per command; nothing here decides anything."""
