"""Where the actions were found before they moved to `embank.mistral`: a Mistral may have kept their class paths."""
