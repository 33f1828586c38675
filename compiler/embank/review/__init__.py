"""Looks at workflow files: what is right for Embank may still go wrong elsewhere.

engines          the engines that there are rules for
mistral23        what a file may meet in Mistral 23
mistral23_sizes  how large Mistral finds it, and what it takes
"""
