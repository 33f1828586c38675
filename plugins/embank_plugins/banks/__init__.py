"""Where copies go. docs/banks.md is for those who run one, docs/bank-format.md says what lies in it.

filesystem/   a bank in a directory
s3/, swift/   banks in an object store

and what the banks of object stores are made of:

object_store  all that they do alike: take an object apart, look, read, list
pieces        a stream in pieces that can be sent again
retries       how long, and how often, a service is asked again
write_once    objects that are written once, though the service's own promise is not enough
reading       an object, from where an answer broke off
ranges        ranges of bytes
listing       keys, where a service keeps other objects beside them
"""
