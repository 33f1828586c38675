"""What one task does: begin, one activity, a closer, complete. The same for the runner and for Mistral's executors.

secrets            references in parameters become values, and values are taken out of what is said
guarded_bank       a bank as somebody else wrote it, made to keep its promises
late_bank          a bank that is opened when something of it is wanted
patience           a limit to waiting for a bank
banks              the banks and checkpoints of this process
leases             kept alive while anything of an execution is under way
context            what an activity sees of its execution, and what it may ask of whatever runs it
activity           one activity of a plugin, from finding it to the mark that it is closed
closers            a closer of the cleanup: is it open? then close it
actions            the four actions, by name
failed_checkpoint  whether the checkpoint says that its execution has failed
"""
