"""The session between a node and central, as a state machine without I/O."""
