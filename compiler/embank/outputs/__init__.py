"""Writing what people read: templates and the one place that quotes."""
