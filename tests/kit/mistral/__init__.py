"""A real Mistral, in the environment that `make services` makes for it.

`server` is one process and `cluster` is as sites have it, both asked by `api`; `proxy` makes trouble before it;
`oracle` is its parser alone; `trials` compares what it does with what the runner does.
"""
