"""What tests are helped by: typed, and imported by name (pytest and mypy have tests/ on their paths)."""
