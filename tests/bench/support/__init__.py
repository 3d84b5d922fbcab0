"""What the programs of tests/bench share."""
