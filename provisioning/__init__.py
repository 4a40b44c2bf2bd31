"""Puts a node, or a central, together: command line, configuration, enrolment, keys, set-up.

The composition root: the only place that wires parts together, and the only one that prints or exits. It may import
everything; nothing imports it.
"""
