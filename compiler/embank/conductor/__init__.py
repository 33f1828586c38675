"""What state every task of an execution is in, and what follows: events in, effects out. Pure.

program     the document with numbers for names, so that running it costs next to nothing
states      the life of a task and of a workflow, as tables
state       where each task and each running workflow stands: plain numbers and words
protocol    the events that come in, and the effects that go out
execution   program and state together, and what is still to be done
flows       how workflows open, in which order their tasks follow each other, and how they close
stopping    what is withdrawn when an execution is cancelled or fails fast
conductor   the events, one by one: success, failure and retry, timeout, pause
admission   which of the ready tasks begins next
resuming    what a new runner has to do where another one left off
"""
