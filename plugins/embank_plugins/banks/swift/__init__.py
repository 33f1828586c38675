"""A bank in a Swift container.

login      with Keystone or with Swift's own accounts
account    requests, repeated while there is hope
container  the objects of one container
large      objects in segments
bank       the bank
"""
