"""All that one resource keeps in a checkpoint.

section   information, notes and data of one resource
fitness   whether the information fits its schema
segments  data of any size, in segments with digests
once      what an activity has started elsewhere, once in an execution
"""
