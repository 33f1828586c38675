"""The protection plugins and banks that come with Embank. Of Embank they import `embank.plugins` alone.

banks/      where copies go: a directory, S3, Swift
local/      what lives on this machine
openstack/  what lives in a cloud
"""
