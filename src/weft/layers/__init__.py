"""Modules that hold weights and call the maths: attention, feed-forward, norms, positions, blocks, caches."""
