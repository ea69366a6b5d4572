"""Models: configuration, ends, encoder, decoder, and the one table that builds them by name."""
