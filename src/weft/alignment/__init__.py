"""Which source words each target word came from: words, links, extraction from attention, choice of heads, pictures."""
