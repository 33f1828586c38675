"""A real OpenStack for tests, their projects in it, and what they put there."""
