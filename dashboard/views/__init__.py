"""What pages share about a topic: figures, maps and tables drawn from queries, for one context."""
