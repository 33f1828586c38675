"""Going on with what another runner began.

staleness     the provider with which it began, and whether all is as it was
prospects     what becomes of every task, told before anything is done
carrying_out  what `runner.resume` has decided, done
"""
