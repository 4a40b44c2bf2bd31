"""The verbs of a centre: what an operator and an officer do with an application."""
