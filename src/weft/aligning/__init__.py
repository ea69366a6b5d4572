"""The life of a sentence pair that is there already: who aligns it, in which directions, and how well."""
