"""Holds what was brought against the rules of a certificate: a signed PDF, a picture of the paper, the code's text.

Every module here reads hostile bytes and either answers what it found or raises one of `faults`: `Broken` where it was
changed or never was as it must be, `Unreadable` where there is nothing to judge. None of them asks whom the reader
trusts or what became of the certificate since: that is `appliance.certificates.verdict`.

It may import the journal, and the rest of `appliance.certificates`; `pdf` and `page` load pyHanko and PDFium, and only
they do.
"""
