"""Local::PostgreSQL: a database by pg_dump and pg_restore.

section   what the operator says of databases
client    PostgreSQL's client programs, as streams
database  what pg_dump leaves out, and how one database takes another's place
plugin    the protection plugin
"""
