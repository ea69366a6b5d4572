"""Which sentence pairs a corpus keeps, and how many it dropped for which reason."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field


class Cleaning(BaseModel):
    """What a pair must be like to be trained on. Pairs with a blank side are always dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_length_ratio: float | None = Field(default=4.0, ge=1.0)
    """Tokens of the longer side over tokens of the shorter side, plus `ratio_slack` on both; None keeps all."""
    ratio_slack: int = Field(default=4, ge=0)
    """Added to both lengths before the ratio is taken, so that short phrases may differ freely."""
    max_tokens: int | None = Field(default=256, ge=1)
    """The most tokens of either side; None keeps all."""
    min_characters: int = Field(default=1, ge=1)
    """The fewest characters of either side."""
    max_characters: int | None = Field(default=4000, ge=1)
    """The most characters of either side; None keeps all."""
    drop_duplicates: bool = True
    """Whether to keep only the first of pairs that are equal in NFC."""
    drop_copies: bool = True
    """Whether to drop pairs whose target is the source, not translated."""
    keep_short_copies: int = Field(default=2, ge=0)
    """Copies of at most so many white-space words stay all the same: names, numbers. 0 drops them as well."""


@dataclass
class CleaningReport:
    """Pairs read, pairs kept, and pairs dropped by reason; read = kept + all dropped."""

    read: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(self.dropped.items()))
        return f"read {self.read:,}, kept {self.kept:,}, dropped: {reasons or 'none'}"


class Cleaner:
    """Judges pairs one after the other, and counts. It remembers pairs, to know duplicates."""

    def __init__(self, rules: Cleaning) -> None:
        self.rules = rules
        self.report = CleaningReport()
        self._seen: set[tuple[str, str]] = set()

    def accepts_text(self, source: str, target: str) -> bool:
        """Whether the texts are worth tokenising; counts the pair as read."""
        self.report.read += 1
        return self._counted(self._text_fault(source, target))

    def accepts_tokens(self, source_length: int, target_length: int) -> bool:
        """Whether a pair of accepted texts is kept, by its numbers of tokens; counts it as kept."""
        accepted = self._counted(self._length_fault(source_length, target_length))
        self.report.kept += accepted
        return accepted

    def _counted(self, fault: str | None) -> bool:
        if fault is not None:
            self.report.dropped[fault] += 1
        return fault is None

    def _text_fault(self, source: str, target: str) -> str | None:
        rules = self.rules
        if not source.strip() or not target.strip():
            return "blank"
        if min(len(source), len(target)) < rules.min_characters:
            return "too few characters"
        if rules.max_characters is not None and max(len(source), len(target)) > rules.max_characters:
            return "too many characters"
        pair = unicodedata.normalize("NFC", source), unicodedata.normalize("NFC", target)
        if rules.drop_copies and pair[0] == pair[1] and len(source.split()) > rules.keep_short_copies:
            return "copy"
        if rules.drop_duplicates:
            if pair in self._seen:
                return "duplicate"
            self._seen.add(pair)
        return None

    def _length_fault(self, source_length: int, target_length: int) -> str | None:
        rules = self.rules
        shorter, longer = sorted((source_length, target_length))
        if rules.max_tokens is not None and longer > rules.max_tokens:
            return "too many tokens"
        ratio = (longer + rules.ratio_slack) / (shorter + rules.ratio_slack)
        if rules.max_length_ratio is not None and ratio > rules.max_length_ratio:
            return "length ratio"
        return None
