"""Local::SQLite: a database file by online backup."""
