"""What a plan says, and what of it also stands in a parameters file.

plan             the file
selection        which resources of a graph it selects
settings         parameters and policies, as they are written
parameters       the parameters of every resource, checked against the schemas of the plugins
parameter_rules  violations of a schema, in words
"""
