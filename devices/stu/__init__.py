"""Wacom STU signature pads: reports, screen pictures, and the driver."""
