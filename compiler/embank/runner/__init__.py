"""Threads and clocks around the conductor: one execution on this machine, from a document to its outcome.

attempt        the life of an attempt, as a table
workers        threads that step activities, one step at a time, and what they say to the runner
attempts       the attempts that are under way: begun, polled, interrupted, closed, ended
runner         the one thread that owns everything: events to the conductor, effects to workers and timers
interruptions  what stops an execution from outside
local          one execution, wired up
"""
