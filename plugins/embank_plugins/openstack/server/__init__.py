"""OS::Nova::Server: held still, saved as a definition, and created again.

section     what the operator says of servers
states      a server's state, asked for and waited for
freeze      held still, and let go
definition  what is saved
targets     what saved ids stand for where it is restored
flavor, floating, needs
            what a new server needs, found before one is made
restore     a server like the saved one
discard     what an unfinished restore has made is removed
plugin      the protection plugin
"""
