"""Executing workflow files: the pure conductor, the runner around it, and what one task does."""
