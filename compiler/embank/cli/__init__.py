"""The `embank` command: one module per command, or for a few that belong together; nothing here decides anything.

main       the entry point: from an exception to an exit code
commands   the names of all commands, and where their classes are
app        the application, and the base class of commands
options    what several commands take
discover, provider, plugin, validate, compile, lint, rehearse
           from inputs to a workflow file, and looking at it
run, resume, cancel, execution, executing, telling
           executing it on this machine
taking_up, staleness, prospects
           going on with what another runner began: is all as it was, and what becomes of every task
submit, engine, engine_cancel
           executing it on Mistral
checkpoint, checkpoint_delete
           what a bank holds
output, overwriting, check
           where a command writes
columns    cells of tables
report     diagnostics, and the exit code that follows
help, overview, manual
           `embank help`, the help of several commands at once, and the man page
complete   `embank complete`
openstack  the commands in the client `openstack`
leaving    the end of the process
"""
