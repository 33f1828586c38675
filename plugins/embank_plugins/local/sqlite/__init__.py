"""Local::SQLite: a database file by online backup.

file    online backup, check, and room for another one
plugin  the protection plugin
"""
