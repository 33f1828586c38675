"""Threads and clocks around the conductor: one execution on this machine, from a document to its outcome.

options        how an execution is run, and how long what is to end is waited for
session        what all of the runner works with: conductor, reporter, recorder, clock, options
attempt        the life of an attempt, as a table
workers        threads that step activities, one step at a time, and what they say to the runner
attempts       the attempts that are under way: begun, polled, interrupted, closed, ended
beginnings     what is ready, until it is an attempt: intent before effect
runner         the one thread that owns everything: events to the conductor, effects to workers and timers
interruptions  what stops an execution from outside
local          one execution, wired up
resume         what becomes of an execution whose runner left off
"""
