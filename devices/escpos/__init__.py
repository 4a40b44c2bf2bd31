"""Receipt printers that speak ESC/POS: encoding, status, transport over USB and TCP, and the job that joins them."""
