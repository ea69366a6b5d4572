"""Text in: readers, the tokenizer, cleaned corpora, batches by token budget, sentences of a document."""
