"""The test runner behind ./dev test; see docs/testing.md."""
