"""The monitor: reads what endpoints captured and shows what the model does over time."""
