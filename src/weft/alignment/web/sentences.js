// The sentence pair of one panel: links between words, marks on words, and what the word in view is made of.

const MARKS = { // what may hang from target words; each bar is something to be wary of
  spread: ["spread", "over how many words the attention spreads"],
  doubt: ["doubt", "how unsure the model was of the word"],
  rest: ["no word", "the share that came from no source word"],
};

class SentencePair {
  // `twin` says which target word of the other panel a target word is (null: there is no other panel), `others` are that
  // panel's links between words of this one, and `shown(at)` is told of the word in view, [side, index], or of null.
  constructor(panel, numbers, { twin, others }, shown) {
    Object.assign(this, { panel, numbers, twin, shown, pinned: null });
    const pair = panel.querySelector(".pair"), svg = draw("svg", { "aria-hidden": "true" });
    this.pair = pair;
    this.threads = numbers.links.map((link) => threadOf(link, svg));
    this.layout = new Layout(pair, this.threads, [...numbers.links, ...others]);
    this.words = this.layout.words;
    if (!this.words.flat().length) return;
    this.readout = make("p", { className: "readout" });
    this.readout.setAttribute("aria-live", "polite");
    this.hint = make("span", { className: "muted hint" }, "Point at a word, or walk through the words with the arrow keys.");
    panel.querySelector(".below").append(this.readout, this.key());
    pair.append(svg);
    this.words.forEach((ofSide, side) => ofSide.forEach((word, index) => this.enliven(word, side, index)));
    this.relay(panel.clientWidth);
    this.follow();
  }

  relay(room) {
    this.layout.lay(room);
    if (!this.pair.matches(".busy")) this.show(null);
  }

  // Laid out again whenever the room changes, and for paper.
  follow() {
    const { panel, layout } = this;
    const paper = this.pair.classList, fit = () => { if (!paper.contains("paper")) this.relay(panel.clientWidth); };
    new ResizeObserver(() => { if (panel.clientWidth === layout.room) layout.place(); else fit(); }).observe(panel);
    addEventListener("beforeprint", () => { paper.add("paper"); this.relay(PAPER); });
    addEventListener("afterprint", () => { paper.remove("paper"); fit(); });
  }

  // What a word is made of.

  linksOf(side, index) {
    return this.threads.filter((thread) => thread.ends[side] === index).sort((a, b) => b.share - a.share);
  }

  partsOf(side, index) {
    const parts = this.linksOf(side, index).map(({ ends, share, differs }) => [this.words[1 - side][ends[1 - side]].textContent, share, differs]);
    const rest = side === TARGET ? this.numbers.unaligned[index] : 0;
    return rest >= 0.005 ? [...parts, [null, rest, 0]] : parts;
  }

  knownOf(side, index) {
    const { coverage, confidence, spread } = this.numbers, known = [];
    if (side === SOURCE && coverage) known.push(`read ${coverage[index].toFixed(1)}\u00d7`);
    if (side === TARGET && confidence) known.push("sure " + percent(confidence[index]));
    if (side === TARGET && spread) known.push(`spread over ${spread[index].toFixed(1)} words`);
    if (this.isAlone(side, index)) known.push("a word that only this translation has");
    return known;
  }

  isAlone(side, index) {
    return side === TARGET && this.twin !== null && this.twin[index] === undefined;
  }

  wording(side, index) {
    const parts = this.partsOf(side, index).map(([word, share, differs]) => `${word === null ? "no word" : word} ${percent(share)}${differs ? " only here" : ""}`);
    return [(side ? "from " : "gave ") + (parts.join(", ") || (side ? "no link" : "nothing")), ...this.knownOf(side, index)].join("; ");
  }

  // What is in view.

  show(at) {
    this.pair.classList.toggle("busy", at !== null);
    this.words.flat().forEach((word) => { word.classList.remove("active", "linked", "differs"); word.style.removeProperty("--share"); });
    for (const thread of this.threads) {
      const { ends, share, path } = thread, own = at !== null && ends[at[0]] === at[1], calm = path.dataset.far === "true" ? 0.35 : 0.7;
      path.style.opacity = (at === null ? calm * (0.25 + 0.75 * share) : own ? 0.35 + 0.65 * share : 0.06).toFixed(3);
      if (own) this.markLinked(this.words[1 - at[0]][ends[1 - at[0]]], thread);
    }
    if (at !== null) this.words[at[0]][at[1]].classList.add("active");
    this.readout.replaceChildren(...(at === null ? [this.hint] : this.said(...at)));
  }

  markLinked(word, { share, differs }) {
    word.classList.add("linked");
    word.classList.toggle("differs", differs);
    word.style.setProperty("--share", share);
  }

  said(side, index) {
    const part = (...children) => make("span", { className: "part" }, ...children), quiet = (text) => make("span", { className: "muted" }, text);
    const parts = this.partsOf(side, index).map(([text, share]) => part(text === null ? quiet("no word") : make("bdi", {}, text), " ", quiet(percent(share))));
    const word = part(make("b", {}, make("bdi", {}, this.words[side][index].textContent)), side ? " \u2190" : " \u2192");
    const nothing = parts.length ? [] : [part(quiet(side ? "no link" : "no target word"))];
    return [word, ...parts, ...nothing, ...this.knownOf(side, index).map((text) => part(quiet(text)))].flatMap((each) => [each, " "]);
  }

  view(at) {
    if (this.pinned !== null) return;
    this.show(at);
    this.shown(at);
  }

  // The word in view in the other panel, unless one is held here.
  echo(at) {
    if (this.pinned === null && this.readout) this.show(at);
  }

  hold(at) {
    this.pinned = null;
    this.view(at);
    this.pinned = at;
    this.words.flat().forEach((word) => word.setAttribute("aria-pressed", "false"));
    if (at !== null) this.words[at[0]][at[1]].setAttribute("aria-pressed", "true");
  }

  // Pointer and keyboard: each sentence is one stop of the Tab key, and the arrow keys walk its words.

  enliven(word, side, index) {
    word.setAttribute("role", "button");
    word.setAttribute("aria-pressed", "false");
    word.setAttribute("aria-label", word.textContent + ", " + this.wording(side, index));
    word.classList.toggle("other", this.isAlone(side, index));
    word.tabIndex = index ? -1 : 0;
    word.addEventListener("pointerenter", () => this.view([side, index]));
    word.addEventListener("pointerleave", () => this.view(null));
    word.addEventListener("blur", () => this.view(null));
    word.addEventListener("focus", () => {
      this.words[side].forEach((other) => { other.tabIndex = other === word ? 0 : -1; });
      this.view([side, index]);
    });
    word.addEventListener("click", () => this.toggle(side, index));
    word.addEventListener("keydown", (event) => this.step(event, side, index));
  }

  toggle(side, index) {
    this.hold(String(this.pinned) === String([side, index]) ? null : [side, index]);
  }

  step(event, side, index) {
    const act = { Enter: () => this.toggle(side, index), " ": () => this.toggle(side, index), Escape: () => this.hold(null) }[event.key];
    const to = act ? null : this.next(event.key, side, index);
    if (!act && !to) return;
    event.preventDefault();
    if (act) { act(); return; }
    this.hold(null);
    const word = this.words[to[0]][to[1]];
    if (word) word.focus();
  }

  // The word that a key leads to, [side, index], or null; up and down follow the best link.
  next(key, side, index) {
    const forward = getComputedStyle(this.layout.sentences[side]).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
    if (key === "ArrowLeft" || key === "ArrowRight") return [side, index + (key === forward ? 1 : -1)];
    if (key === "Home") return [side, 0];
    if (key === "End") return [side, this.words[side].length - 1];
    if (key !== (side ? "ArrowUp" : "ArrowDown")) return null;
    const best = this.linksOf(side, index)[0], across = (this.words[1 - side].length - 1) / Math.max(1, this.words[side].length - 1);
    return [1 - side, best ? best.ends[1 - side] : Math.round(index * across)];
  }

  // Marks, and the key that says what they and the links mean.

  mark(side, heights) {
    this.words[side].forEach((word, index) => word.style.setProperty("--mark", Math.max(0, Math.min(1, heights[index])).toFixed(3)));
  }

  // Heights from 0 to 1 for each of MARKS that is known.
  marks() {
    const { unaligned, confidence, spread } = this.numbers, evenly = Math.log(this.words[SOURCE].length + 1), found = {};
    if (spread) found.spread = spread.map((places) => Math.log(Math.max(1, places)) / evenly);
    if (confidence) found.doubt = confidence.map((share) => 1 - share);
    if (unaligned.some((share) => share >= 0.005)) found.rest = unaligned;
    return found;
  }

  key() {
    const { coverage } = this.numbers, marks = this.marks(), names = Object.keys(marks), bar = () => make("span", { className: "bar" });
    const key = make("div", { className: "key" }, ...(this.twin === null ? [] : this.counts()));
    if (coverage) {
      this.mark(SOURCE, coverage.map((read) => read / Math.max(1, ...coverage)));
      key.append(make("span", {}, bar(), "over a source word: how much it was read"));
    }
    if (names.length) {
      this.mark(TARGET, marks[names[0]]);
      const field = chooser("under a target word:", names.map((name) => [name, ...MARKS[name]]), names[0], (name) => this.mark(TARGET, marks[name]));
      key.append(make("span", {}, bar(), field));
    }
    return key;
  }

  // How many links both panels have and how many only this one; links of words that only it has are not counted.
  counts() {
    const sample = (name) => draw("svg", { "aria-hidden": "true" }, draw("line", { x1: 0, y1: 6, x2: 30, y2: 6, class: name }));
    const only = this.threads.filter((thread) => thread.differs).length;
    const both = this.threads.filter((thread) => !thread.differs && !this.isAlone(TARGET, thread.ends[TARGET])).length;
    return [make("span", {}, sample(""), plural(both, "link") + " in both"), make("span", {}, sample("differs"), `${only} only here`)];
  }
}

function threadOf([source, target, share, differs], svg) {
  const path = draw("path", { "stroke-width": (1 + 3.5 * share).toFixed(2), "data-ends": source + "-" + target });
  path.classList.toggle("differs", Boolean(differs));
  svg.append(path);
  return { ends: [source, target], share, differs: Boolean(differs), path };
}
