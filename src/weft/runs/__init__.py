"""The life of a training run: recipe, data, teachers, checkpoints, development scores."""
