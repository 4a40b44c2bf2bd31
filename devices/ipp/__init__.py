"""Page printers by the Internet Printing Protocol: messages (RFC 8010), and jobs followed to their end (RFC 8011)."""
