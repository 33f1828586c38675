"""Whether Mistral does what the runner does: a `Trial` is a plan and what goes wrong in it, `World` executes it on
both sides and gives a `Result` of each; `trial_plugin` is what both execute.
"""
