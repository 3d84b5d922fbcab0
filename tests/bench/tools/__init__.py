"""The finished tools beside their peers."""
