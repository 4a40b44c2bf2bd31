"""Counter devices: typed contracts, drivers for pads, printers, scanners and readers, discovery and simulators.

It imports nothing of ours.
"""
