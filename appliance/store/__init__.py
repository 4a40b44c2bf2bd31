"""The node's sealed store: the SQLCipher database, the one commit, the blob folder."""
