// The sentence pair of one panel: words in systems, links between them, marks on them, and what the word in focus is made of.
// `shown(at)` is called when a word, [side, index], or none comes into view; the other panel echoes it.

const SOURCE = 0, TARGET = 1;
const MARKS = { // what may hang from target words; each bar is something to be wary of
  spread: ["spread", "over how many words the attention spreads"],
  doubt: ["doubt", "how unsure the model was of the word"],
  rest: ["no word", "the share that came from no source word"],
};

// `others` are the links of the other panel between the words of this one: both are laid out by both, so that they are broken alike.

function sentencePair(panel, numbers, { twin, others }, shown) {
  const pair = panel.querySelector(".pair"), sentences = [...pair.querySelectorAll(".sentence")];
  const words = sentences.map((sentence) => [...sentence.querySelectorAll(".word")]);
  const cells = sentences.map(cellsOf), svg = draw("svg", { "aria-hidden": "true" });
  const readout = make("p", { className: "readout" });
  readout.setAttribute("aria-live", "polite");
  const hint = make("span", { className: "muted hint" }, "Point at a word, or walk through the words with the arrow keys.");
  const threads = numbers.links.map(([source, target, share, differs]) => {
    const path = draw("path", { "stroke-width": (1 + 3.5 * share).toFixed(2), "data-ends": source + "-" + target });
    path.classList.toggle("differs", Boolean(differs));
    svg.append(path);
    return { ends: [source, target], share, differs, path };
  });
  let pinned = null, laidAt = 0;

  // Marks.

  const marks = { rest: numbers.unaligned.some((share) => share >= 0.005) ? numbers.unaligned : null };
  marks.doubt = numbers.confidence && numbers.confidence.map((share) => 1 - share);
  const evenly = Math.log(words[SOURCE].length + 1);
  marks.spread = numbers.spread && numbers.spread.map((places) => Math.log(Math.max(1, places)) / evenly);
  const most = numbers.coverage ? Math.max(1, ...numbers.coverage) : 1;
  const mark = (side, heights) => words[side].forEach((word, index) => {
    word.style.setProperty("--mark", (heights ? Math.max(0, Math.min(1, heights[index])) : 0).toFixed(3));
  });

  // Text that says what a word is made of.

  const linksOf = (side, index) => threads.filter((thread) => thread.ends[side] === index).sort((a, b) => b.share - a.share);
  const partsOf = (side, index) => {
    const parts = linksOf(side, index).map(({ ends, share, differs }) => [words[1 - side][ends[1 - side]].textContent, share, differs]);
    if (side === TARGET && numbers.unaligned[index] >= 0.005) parts.push([null, numbers.unaligned[index], 0]);
    return parts;
  };
  const knownOf = (side, index) => {
    const known = [];
    if (side === SOURCE && numbers.coverage) known.push(`read ${numbers.coverage[index].toFixed(1)}\u00d7`);
    if (side === TARGET && numbers.confidence) known.push("sure " + percent(numbers.confidence[index]));
    if (side === TARGET && numbers.spread) known.push(`spread over ${numbers.spread[index].toFixed(1)} words`);
    if (side === TARGET && twin && twin[index] === undefined) known.push("a word that only this translation has");
    return known;
  };
  const wording = (side, index) => {
    const parts = partsOf(side, index).map(([word, share, differs]) => (word === null ? "no word " : word + " ") + percent(share) + (differs ? " only here" : ""));
    return [(side ? "from " : "gave ") + (parts.join(", ") || (side ? "no link" : "nothing")), ...knownOf(side, index)].join("; ");
  };

  // Layout: words into lines, lines into systems, links from word to word.

  function cellsOf(sentence) { // each word with the text up to the next one
    const found = [[]];
    for (const node of [...sentence.childNodes]) {
      if (node.nodeType === Node.ELEMENT_NODE && found[found.length - 1].some((other) => other.nodeType === Node.ELEMENT_NODE)) found.push([]);
      found[found.length - 1].push(node);
    }
    return found;
  }

  function widths(side) {
    const context = make("canvas").getContext("2d");
    context.font = getComputedStyle(sentences[side]).font;
    const widthOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getBoundingClientRect().width : context.measureText(node.data.replace(/\s+/g, " ")).width);
    return cells[side].map((nodes) => nodes.reduce((sum, node) => sum + widthOf(node), 0));
  }

  // A word stays with what stands before it without a space, if one of the two is a punctuation mark: "l'", "day.", "(no".
  const glued = words.map((ofSide) => ofSide.map((word, index) => {
    const spaced = word.previousSibling && word.previousSibling.nodeType === Node.TEXT_NODE;
    return index > 0 && !spaced && (/^[\p{P}\p{S}]/u.test(word.textContent) || /[\p{P}\p{S}]$/u.test(ofSide[index - 1].textContent));
  }));

  // Widths and breaks of both sentences; what does not fit on one line is set smaller.
  function measured(room) {
    pair.classList.remove("long");
    pair.classList.add("laid", "measured");
    let found = [widths(SOURCE), widths(TARGET)];
    if (found.some((ofSide) => ofSide.reduce((sum, width) => sum + width, 0) > room)) {
      pair.classList.add("long");
      found = [widths(SOURCE), widths(TARGET)];
    }
    pair.classList.remove("measured");
    return found.map((ofSide, side) => [ofSide, glued[side]]);
  }

  function lay() {
    const room = panel.clientWidth, focused = words.flat().includes(document.activeElement) ? document.activeElement : null;
    laidAt = room;
    const found = systems(...measured(room), [...numbers.links, ...others], room - 2);
    sentences.forEach((sentence, side) => sentence.replaceChildren(...found.flatMap((spans, row) => {
      const [start, end] = spans[side];
      if (start === end) return [];
      const line = make("span", { className: "line" }, ...cells[side].slice(start, end).flat());
      line.classList.toggle("alone", end === start + 1);
      line.classList.toggle("next", row > 0);
      line.style.gridRow = String(2 * row + 1 + side);
      return [line];
    })));
    if (focused) focused.focus({ preventScroll: true });
    place();
  }

  // Room for links in proportion to how far they lean, so that none lies flat.
  function lean() {
    const middle = (side, index) => { const box = words[side][index].getBoundingClientRect(); return (box.left + box.right) / 2; };
    const leans = [...numbers.links, ...others].map(([source, target]) => Math.abs(middle(SOURCE, source) - middle(TARGET, target))).sort((a, b) => a - b);
    const most = leans[Math.floor(leans.length * 0.85)] || 0;
    pair.style.setProperty("--reach", Math.round(Math.max(48, Math.min(96, 40 + 0.16 * most))) + "px");
  }

  function place() {
    lean();
    const box = pair.getBoundingClientRect();
    for (const { ends: [source, target], path } of threads) {
      const from = [...words[SOURCE][source].getClientRects()].pop(), to = words[TARGET][target].getClientRects()[0];
      if (!from || !to) continue;
      const down = to.top >= from.top; // a target word may stand in an earlier system than its source
      const x = (from.left + from.right) / 2 - box.left, y = (down ? from.bottom : from.top) - box.top;
      const u = (to.left + to.right) / 2 - box.left, v = (down ? to.top : to.bottom) - box.top, bend = (v - y) * 0.48;
      const points = [x, y, x, y + bend, u, v - bend, u, v].map((number) => number.toFixed(1));
      path.setAttribute("d", `M${points[0]} ${points[1]}C${points.slice(2).join(" ")}`);
      path.dataset.far = String(Math.abs(v - y) > 150);
    }
  }

  // What is in view.

  function show(at) {
    pair.classList.toggle("busy", at !== null);
    words.flat().forEach((word) => { word.classList.remove("active", "linked", "differs"); word.style.removeProperty("--share"); });
    for (const { ends, share, differs, path } of threads) {
      const own = at !== null && ends[at[0]] === at[1], calm = path.dataset.far === "true" ? 0.35 : 0.7;
      path.style.opacity = (at === null ? calm * (0.25 + 0.75 * share) : own ? 0.35 + 0.65 * share : 0.06).toFixed(3);
      if (!own) continue;
      const other = words[1 - at[0]][ends[1 - at[0]]];
      other.classList.add("linked");
      other.classList.toggle("differs", Boolean(differs));
      other.style.setProperty("--share", share);
    }
    if (at === null) { readout.replaceChildren(hint); return; }
    const [side, index] = at, word = words[side][index], quiet = (text) => make("span", { className: "muted" }, text);
    word.classList.add("active");
    const parts = partsOf(side, index).map(([text, share]) => make("span", { className: "part" },
      text === null ? quiet("no word") : make("bdi", {}, text), " ", quiet(percent(share))));
    const said = [make("span", { className: "part" }, make("b", {}, make("bdi", {}, word.textContent)), side ? " \u2190" : " \u2192"),
      ...(parts.length ? parts : [make("span", { className: "part muted" }, side ? "no link" : "no target word")]),
      ...knownOf(side, index).map((text) => make("span", { className: "part muted" }, text))];
    readout.replaceChildren(...said.flatMap((part) => [part, " "]));
  }

  const view = (at) => { show(at); shown(at); };

  function hold(at) {
    pinned = at;
    words.flat().forEach((word) => word.setAttribute("aria-pressed", "false"));
    if (at !== null) words[at[0]][at[1]].setAttribute("aria-pressed", "true");
    view(at);
  }

  function pin(side, index) {
    hold(pinned !== null && pinned[0] === side && pinned[1] === index ? null : [side, index]);
  }

  function step(event, side, index) {
    const forward = getComputedStyle(sentences[side]).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
    const sideways = ["ArrowLeft", "ArrowRight"].includes(event.key) ? (event.key === forward ? 1 : -1) : 0;
    let to = null;
    if (sideways) to = [side, index + sideways];
    else if (event.key === "Home") to = [side, 0];
    else if (event.key === "End") to = [side, words[side].length - 1];
    else if (event.key === (side ? "ArrowUp" : "ArrowDown")) {
      const best = linksOf(side, index)[0], others = words[1 - side].length;
      to = [1 - side, best ? best.ends[1 - side] : Math.round(index * (others - 1) / Math.max(1, words[side].length - 1))];
    } else if (event.key === "Enter" || event.key === " ") { pin(side, index); event.preventDefault(); return; }
    else if (event.key === "Escape") { hold(null); return; }
    if (to === null) return;
    event.preventDefault();
    hold(null);
    if (words[to[0]][to[1]]) words[to[0]][to[1]].focus();
  }

  words.forEach((ofSide, side) => ofSide.forEach((word, index) => {
    word.setAttribute("role", "button");
    word.setAttribute("aria-pressed", "false");
    word.setAttribute("aria-label", word.textContent + ", " + wording(side, index));
    word.tabIndex = index ? -1 : 0;
    if (side === TARGET && twin && twin[index] === undefined) word.classList.add("other");
    word.addEventListener("pointerenter", () => { if (pinned === null) view([side, index]); });
    word.addEventListener("pointerleave", () => { if (pinned === null) view(null); });
    word.addEventListener("focus", () => {
      ofSide.forEach((other) => { other.tabIndex = other === word ? 0 : -1; });
      if (pinned === null) view([side, index]);
    });
    word.addEventListener("blur", () => { if (pinned === null) view(null); });
    word.addEventListener("click", () => pin(side, index));
    word.addEventListener("keydown", (event) => step(event, side, index));
  }));

  // What links and marks mean.

  function key() {
    const found = make("div", { className: "key" }), bar = () => make("span", { className: "bar" });
    if (twin) {
      const only = threads.filter((thread) => thread.differs).length;
      const both = threads.filter((thread) => !thread.differs && twin[thread.ends[TARGET]] !== undefined).length;
      const sample = (name) => draw("svg", { "aria-hidden": "true" }, draw("line", { x1: 0, y1: 6, x2: 30, y2: 6, class: name }));
      found.append(make("span", {}, sample(""), plural(both, "link") + " in both"), make("span", {}, sample("differs"), `${only} only here`));
    }
    if (numbers.coverage) found.append(make("span", {}, bar(), "over a source word: how much it was read"));
    const known = Object.keys(MARKS).filter((name) => marks[name]);
    if (known.length) {
      mark(TARGET, marks[known[0]]);
      const choices = known.map((name) => [name, MARKS[name][0]]), field = chooser("under a target word:", choices, known[0], (name) => mark(TARGET, marks[name]));
      [...field.querySelectorAll("label")].forEach((label, index) => { label.title = MARKS[known[index]][1]; });
      found.append(make("span", {}, bar(), field));
    }
    return found;
  }

  if (words.flat().length) {
    mark(SOURCE, numbers.coverage && numbers.coverage.map((read) => read / most));
    panel.querySelector(".below").append(readout, key());
    pair.append(svg);
    lay();
    show(null);
    new ResizeObserver(() => { if (panel.clientWidth !== laidAt) lay(); else place(); if (pinned === null && !pair.matches(".busy")) show(null); }).observe(panel);
    if (document.fonts) document.fonts.ready.then(lay);
    addEventListener("beforeprint", lay);
    addEventListener("afterprint", lay);
  }
  return { echo: (at) => { if (pinned === null && words.flat().length) show(at); } };
}
