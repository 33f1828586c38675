"""What a bank holds: checkpoints of write-once objects, their leases and their retention.

keys            the key of every object; nothing that a tenant names reaches outside its own part of it
objects         small JSON objects, checked as hostile when they are read, and walks over many objects
write_once      numbered records, of which the latest counts

    checkpoints/<id>/                what lies there
    status/…        records          status          which statuses there are, and what may follow what
                                     status_history  what it is, what it was, what may come next
    facts                            facts           which plan, provider and execution made it, and when
    graph/…                          saved_graph     the resource graph
    resources/…                      section         all that one resource keeps: information, notes, data
                                     fitness         whether the information fits its schema
                                     segments        data of any size
    executions/…    records          brackets        what each execution has opened and not closed
                                     once            what it has started elsewhere
                                     operations      how it went, and what was restored as what
    leases/…        records          lease           who works on it, and until when
    manifest/…                       contents        what the manifest covers
                                     manifest        all of the above with sizes and digests, written last

checkpoint      one of them, as one execution sees it
checkpoints     all of a bank: begin one, find one, list them
verification    everything read back, and compared with the manifest
erasing         everything deleted, in an order that bears a crash
retention       which to keep
errors          what can be wrong

The status is written first, and deleted last but for the leases: a checkpoint exists while it has one.
"""
