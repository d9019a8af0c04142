"""Worker processes that compile and evaluate expressions, and the queue in front of them."""
