"""The test kit for faults: what runs plugins, and plugins themselves, when a bank or a plugin does wrong.

faulty_bank      faults, and a bank that has them
scripted_plugin  a plugin that does what it is told to do wrong
memory_bank      a bank for the time of a test
run              whole operations, compiled, written, read and run
claims           what must be true afterwards
side_by_side     several of them at once
kit              the tests: inherit `FaultConformance`
"""
