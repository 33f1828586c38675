"""Looks at workflow files: what is right for Embank may still go wrong elsewhere."""
