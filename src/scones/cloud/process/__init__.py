"""The cloud as a process, and the programs that it starts."""
