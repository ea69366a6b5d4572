"""The card of a model that left: what it is now, how it is used there, and then its own card."""

from __future__ import annotations

from weft.interop.forms import Form
from weft.store.folder import StoredModel

_TRANSFORMERS = """\
This is the model {name} of weft in the form of {architecture}. Translate with transformers:

```python
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(".")
model = AutoModelForSeq2SeqLM.from_pretrained(".")
batch = tokenizer(["A sentence."], return_tensors="pt", padding=True)
print(tokenizer.batch_decode(model.generate(**batch), skip_special_tokens=True))
```
"""
_CTRANSLATE2 = """\
This is the model {name} of weft for CTranslate2. Translate sentences:

```python
import ctranslate2, tokenizers

tokenizer = tokenizers.Tokenizer.from_file("tokenizer.json")
translator = ctranslate2.Translator(".")
found = translator.translate_batch([tokenizer.encode("A sentence.").tokens]{prefix})
print(tokenizer.decode([tokenizer.token_to_id(token) for token in found[0].hypotheses[0]]))
```
"""


def card(stored: StoredModel, form: Form) -> str:
    """README.md of a folder for transformers."""
    use = _TRANSFORMERS.format(name=stored.folder.name, architecture=form.architecture)
    others = [pair.to for pair in stored.config.languages[1:]]
    if others:
        starts = ", ".join(f"{to}: {stored.tokenizer.direction(to).start}" for to in dict.fromkeys(others))
        use += f"\nFor other languages give `generate` another `decoder_start_token_id` ({starts}).\n"
    return f"{use}\nIts own card:\n\n{stored.card}"


def ctranslate2_card(stored: StoredModel) -> str:
    """README.md of a folder for CTranslate2."""
    several = len({pair.to for pair in stored.config.languages}) > 1
    prefix = f', target_prefix=[["<2{stored.config.languages[0].to}>"]]' if several else ""
    return f"{_CTRANSLATE2.format(name=stored.folder.name, prefix=prefix)}\nIts own card:\n\n{stored.card}"
