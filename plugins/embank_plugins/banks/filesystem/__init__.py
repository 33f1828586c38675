"""A bank in a directory.

names    key to path and back
files    careful file operations below an open directory
listing  which objects there are
bank     the bank
"""
