"""Reading what people write: every problem at once, each with its place."""
