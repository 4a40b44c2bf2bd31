"""Who may act: operators, roles, sessions and the four-eyes rule. Only this package can make a session."""
