"""What is written down while an execution runs, and how it is read again.

file           one checksummed line after another, only ever appended to
directory      where executions are kept on this machine, and who is at work on one
heading        the first line: what is executed, and with what
entries        what the other lines say
recorder       writes them, and remembers whether that works
replay         plays them through a conductor: the state again
closers_again  the part in which closers that failed are run once more
kept           an execution that is kept: begun, read again, taken up
standing       how it stands, from its first and last line
standing_text  the same, for a person
"""
