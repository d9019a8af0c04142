"""HTTP servers: uvicorn's process with a connection of our own."""
