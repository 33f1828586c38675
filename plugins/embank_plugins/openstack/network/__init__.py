"""OS::Neutron::Network: networks and what belongs to them, saved as definitions and built again.

reading     what belongs to a network
definition  what is saved of it
found       networks that a restore does not make but finds
made        things that a restore makes, each once
groups, port, routers
            security groups, ports and routers, made like the saved ones
restore     all networks of one restore, together
discard     what an unfinished restore has made is removed
errors      which of its 409s Neutron means
plugin      the protection plugin
"""
