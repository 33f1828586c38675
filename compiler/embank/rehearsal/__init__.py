"""Every single fault of an execution before it happens: the same conductor, on a virtual clock.

durations   how long every task takes
world       what a simulated execution opens, closes, and does to its checkpoint
agenda      what is to happen in a simulated execution, and its clock
simulation  one execution on a virtual clock
endings     what follows the last activity, played once for all that left the same things open
processes   the plays, shared out to the processors
rehearse    every fault at every task, and what follows
text, data  the result, for a person and as JSON
"""
