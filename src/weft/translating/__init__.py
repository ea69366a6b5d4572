"""The life of a sentence: text, ids, memory, hypotheses and text again; and what is to be seen of them."""
