"""One case on the screen: facts and papers side by side, and everything that can be done with it."""
