"""Roll-ups: events of persons, on the build side only, become the day tables of a snapshot."""
