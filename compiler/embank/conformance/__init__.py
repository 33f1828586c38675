"""Test kits that the authors of plugins and banks inherit; our own built-ins pass them. Why here: decision KIT-1."""
