"""Mistral's API: requests to it, and what it says, as values.

connection  who logs in where
transport   requests, and what becomes of those that fail
errors      what can go wrong with an engine
seen        what an engine says of an execution, at one moment
rows        Mistral's own words for that, read
client      workflows and executions: put there, started, looked at, cancelled
"""
