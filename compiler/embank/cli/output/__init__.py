"""Where a command writes.

writing      files, written whole or not at all; standard output that nobody reads any more
overwriting  what may not be overwritten: inputs, and files of another kind
check        `--check`: is the file that is committed the one that would be written?
"""
