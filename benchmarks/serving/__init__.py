"""Model servers under load: Scones' alone and as an endpoint, the serving frameworks, and a baseline without HTTP."""
