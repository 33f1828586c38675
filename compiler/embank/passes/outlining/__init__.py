"""Cutting a large workflow into parts.

layout  which tasks stand together, and where to cut
pack    small parts put into one
"""
