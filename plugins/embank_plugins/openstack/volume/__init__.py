"""OS::Cinder::Volume, by backups or by snapshots.

cinder     how a thing of Cinder's is found, deleted and waited for
facts      what is saved besides the data
snapshots  snapshots of one volume, or of several together
backups    backups, and which of them need which
made       volumes that a restore makes
restore    a backup, to a new volume or onto the old one
handover   volumes for another project
base       what both plugins have in common
backup, snapshot
           the two protection plugins
"""
