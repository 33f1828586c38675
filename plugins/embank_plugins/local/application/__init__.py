"""Local::Application: what must agree with itself, frozen while it is copied."""
