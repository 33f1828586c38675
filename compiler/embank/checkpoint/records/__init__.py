"""What executions say of a checkpoint, in numbered records of which the latest counts.

status          which statuses there are, and what may follow what
status_history  what it is, what it was, what may come next
lease           who works on it, and until when
brackets        what each execution has opened and not closed
operations      how each execution went, and what was restored as what
"""
