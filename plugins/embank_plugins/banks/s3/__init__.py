"""A bank in an S3 service.

client  requests, repeated while there is hope
bucket  the objects of one bucket
bank    the bank
"""
