"""Central's pages for the people who look after the nodes: server-rendered, read only, behind a sign-in."""
