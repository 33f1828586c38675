"""OS::Glance::Image: metadata and data, in the bank.

service     what is asked of Glance
definition  what an image is besides its data
data        the data, as streams
plugin      the protection plugin
"""
