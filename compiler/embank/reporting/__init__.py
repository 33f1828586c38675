"""What people are told, while an execution runs and at its end.

events         what happened, as values
reporter       from what the conductor says of rows to events, and to the times that a summary needs
windows        from the start of what a closer closes to the end of the closer
held           what stays frozen until all else has ended, told while it lasts
detached       a listener in a thread of its own, so that nobody who watches holds up what is watched
progress       plain lines, for logs and CI
live           a tree on a terminal
critical_path  each task with the one it had to wait for longest
summary        what is to be said at the end, as values
summary_text   the same, for a person
command_lines  commands about kept executions, to be pasted
"""
