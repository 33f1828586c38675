"""Engines that execute workflow files on many machines: OpenStack Mistral."""
