"""Local::Application: what must agree with itself, frozen while it is copied.

section  what the operator says of applications: how they are frozen and thawed
plugin   the protection plugin
"""
