"""The paper a citizen carries away: the record behind it, the page, the receipt, and the centre's signature.

Nothing here knows the store, a clock or a case: what a page says comes in as a record, and when it is signed, too.
"""
