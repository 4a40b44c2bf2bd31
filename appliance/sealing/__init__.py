"""Sealing: the age format, key slots and passphrase hashing. It knows no database."""
