"""The common parts of jobs: capacity, input channels, and the records of processing and transform jobs."""
