"""The rig of the whole-daemon tests: the real server, real peers, and a scripted sink, all on loopback."""
