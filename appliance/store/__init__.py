"""The node's sealed store: the SQLCipher database, the one commit, the blob folder.

`Store.commit` is the only way anything is written. When it returns, the entry, its tree nodes, the tables it changed
and the signed checkpoint are on the disk together; when it raises, none of them is.
"""
