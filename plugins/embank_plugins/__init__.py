"""The protection plugins and banks that come with Embank."""
