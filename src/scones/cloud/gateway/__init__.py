"""One request over HTTP: admitted, authenticated, parsed, answered."""
