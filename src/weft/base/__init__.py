"""Shapes, padded batches and errors: the coin every room of the house trades in."""
