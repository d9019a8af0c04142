"""The monitor: reads an endpoint's captures and shows what the model does over time."""
