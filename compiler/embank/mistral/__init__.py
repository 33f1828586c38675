"""The same document in OpenStack Mistral.

api        requests to it, and what it says, as values
overview   the tasks that it has, beside those that must succeed before anybody says SUCCESS
attempted  the attempts of each task
retelling  all that, told as events of a conductor
watching   while it runs
translate  events and times, for summary and report
importing  an execution of Mistral's, kept here like one of the runner's
closing    closers for an execution that ended without them
executor   the executor's side: one action, driven to its end
actions    the four actions, as Mistral finds them by entry point
"""
