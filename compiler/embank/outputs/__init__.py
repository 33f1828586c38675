"""Writing what people read: templates and the one place that quotes.

quoting      scalars as YAML that every reader takes for the same
layout       lists and dicts, on one line or on several
workflow     the workflow file
sizes        numbers of bytes
diagnostics  what is wrong, with the line and a caret
render       the templates of all texts
"""
