"""Models on disk: one folder = config + weights + tokenizer + card; and the models that ship or are installed."""
