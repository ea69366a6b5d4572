"""The statistical aligner: which words of two texts belong together, learned from nothing but the pairs themselves."""
