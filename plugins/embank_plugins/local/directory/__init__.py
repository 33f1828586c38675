"""Local::Directory: a directory tree as an archive stream.

pax         the format of the archive
pack        a tree into an archive
pax_reader  an archive, read back
unpack      its members into an empty directory
plugin      the protection plugin
"""
