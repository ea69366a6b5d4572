"""Search over any model that speaks three verbs: encode, init_cache, step."""
