"""Devices that are not there, behind the same contracts. Each says SIMULATED, and can be told to fail."""
