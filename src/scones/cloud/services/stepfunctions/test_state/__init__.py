"""TestState: a run of one state without a state machine, with its work executed or mocked."""
