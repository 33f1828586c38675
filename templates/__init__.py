"""Jinja2 templates, installed as `embank_templates` (a package, so that editable installs find them)."""
