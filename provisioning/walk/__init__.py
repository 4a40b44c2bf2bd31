"""`sanad run`: a central, a node with simulated devices and specimen people, and cases walked from token to locker.

Every part of it can be killed and called again: each step looks at what is there before it does anything.
"""
