"""What a bank holds: checkpoints of write-once objects, their leases and their retention.

keys         the key of every object; nothing that a tenant names reaches outside its own part of it
objects      small JSON objects, checked as hostile when they are read, and walks over many objects
write_once   numbered records, of which the latest counts

    checkpoints/<id>/
    status/…                records/     what it is, what it was, what may come next
    facts                   facts        which plan, provider and execution made it, and when
    graph/…                 saved_graph  the resource graph
    resources/…             section/     all that one resource keeps: information, notes, data
    executions/…            records/     what each execution has opened, and how it went
                            section/     what its activities have started elsewhere
    leases/…                records/     who works on it, and until when
    manifest/…              seal/        what makes it whole, and proves it

checkpoint   one of them, as one execution sees it
checkpoints  all of a bank: begin one, find one, list them
erasing      everything deleted, in an order that bears a crash
retention    which to keep
errors       what can be wrong

The status is written first, and deleted last but for the leases: a checkpoint exists while it has one.
"""
