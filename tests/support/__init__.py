"""What tests lean on: images made here, real containerds of our own, and a runtime made of data."""
