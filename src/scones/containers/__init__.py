"""Programs that run where AWS runs containers: each is started with one argument, `train` or `serve`."""
