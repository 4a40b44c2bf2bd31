"""The verbs of a centre: what an operator, an officer and a supervisor do with an application.

Every verb takes the store and a session; who may do what is decided in `appliance.access` and asked inside the commit.
"""
