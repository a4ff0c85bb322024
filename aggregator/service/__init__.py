"""Everything that runs by itself, composed: the crew that polls, the server, and who of several services leads."""
