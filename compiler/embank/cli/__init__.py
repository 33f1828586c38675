"""The `embank` command; nothing here decides anything.

main       the entry point: from an exception to an exit code
commands/  the names of all commands, and one file per command, or for a few that belong together
app        the application, and the base class of commands
options    what several commands take
report     diagnostics, and the exit code that follows
columns    cells of tables
output/    where a command writes
executing  a workflow file on this machine, for several commands
telling    what a person sees of an execution, and is asked
taking_up/ going on with what another runner began
engine, engine_cancel
           what the commands for Mistral share
overview, manual
           the help of several commands at once, and the man page
openstack  the commands in the client `openstack`
leaving    the end of the process
"""
