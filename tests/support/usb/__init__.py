"""USB devices that are not there, below libusb.

Two processes take part. `testbed` runs under Debian's own python3 and `umockdev-wrapper`, and answers the usbdevfs
calls of libusb from the models here. The program under test (`programs`) is its child in our virtual environment, with
the real pyusb, libusb and python-escpos. `run` starts both from a test.
"""
