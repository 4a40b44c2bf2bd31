"""The verbs of a centre: what an operator, an officer and a supervisor do with an application.

Every verb takes the centre (or the store, where it needs no catalogue, day or rule) and a session; who may do what is
decided in `appliance.access` and asked inside the commit. May import everything of `appliance` below it.
"""
