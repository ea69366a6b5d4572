"""Learning: losses, schedules, the optimiser, averaged weights, and the loop that joins them."""
