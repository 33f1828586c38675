"""Protection plugins for what lives on this machine."""
