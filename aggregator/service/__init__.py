"""Everything that runs by itself, composed: the runner that polls, the server, and who of several services leads."""
