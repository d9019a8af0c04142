"""Model servers under load: ours, bare and as an endpoint, beside the serving frameworks and the floor."""
