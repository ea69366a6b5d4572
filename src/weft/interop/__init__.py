"""Other people's checkpoints: their configuration and names mapped to weft's, nothing of their code."""
