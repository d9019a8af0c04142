"""TestState: one state run by itself, its work done or mocked."""
