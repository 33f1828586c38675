"""The same document in OpenStack Mistral.

connection   who logs in where
transport    requests, and what becomes of those that fail
client       workflows and executions: created, cancelled, read
rows, seen   what Mistral says of an execution, as values
overview     the tasks that it has, beside those that the document expects
attempted    the attempts of each task
retelling    all that, told as events of a conductor
watching     while it runs
expected     what has to be a success before anybody says SUCCESS
translate    events and times, for summary and report
importing    an execution of Mistral's, kept here like one of the runner's
closing      closers for an execution that ended without them
executor     the executor's side: one action, driven to its end
actions      the four actions, as Mistral finds them by entry point
errors       what can go wrong with an engine
"""
