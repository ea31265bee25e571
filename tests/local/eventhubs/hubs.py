"""What the server of the test modules has."""

HUBS = 64
PARTITIONS = 6
