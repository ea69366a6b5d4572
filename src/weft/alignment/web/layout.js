// Where the words of a pair stand: in lines, the lines in systems, and links from edge to edge of their words.

const SOURCE = 0, TARGET = 1;
const PAPER = 620; // pixels of a line in print: what A4 and Letter hold

class Layout {
  // `drawn` are the links on show as { ends: [source, target], path }; `all` are those to break lines by, [source, target, weight].
  constructor(pair, drawn, all) {
    Object.assign(this, { pair, drawn, all });
    this.sentences = [...pair.querySelectorAll(".sentence")];
    this.words = this.sentences.map((sentence) => [...sentence.querySelectorAll(".word")]);
    this.glued = this.words.map((ofSide) => ofSide.map((word, index) => index > 0 && isGlued(ofSide[index - 1], word)));
    this.cells = this.sentences.map(cellsOf);
    this.room = 0;
  }

  // Breaks both sentences for so many pixels and draws the links.
  lay(room) {
    this.room = room;
    const focused = this.words.flat().includes(document.activeElement) ? document.activeElement : null;
    const found = systems(...this.measured(), this.all, room - 2);
    this.sentences.forEach((sentence, side) => sentence.replaceChildren(...found.flatMap((spans, row) => this.line(side, row, spans[side]))));
    if (focused) focused.focus({ preventScroll: true });
    this.place();
  }

  line(side, row, [start, end]) {
    if (start === end) return [];
    const line = make("span", { className: "line" }, ...this.cells[side].slice(start, end).flat());
    line.classList.toggle("alone", end === start + 1);
    line.classList.toggle("next", row > 0);
    line.style.gridRow = String(2 * row + 1 + side);
    return [line];
  }

  // Of each sentence the widths of its words and which of them begin no line; what does not fit on one line is set smaller.
  measured() {
    this.pair.classList.remove("long");
    this.pair.classList.add("laid", "measured");
    let found = [this.widths(SOURCE), this.widths(TARGET)];
    if (found.some((ofSide) => ofSide.reduce((sum, width) => sum + width, 0) > this.room)) {
      this.pair.classList.add("long");
      found = [this.widths(SOURCE), this.widths(TARGET)];
    }
    this.pair.classList.remove("measured");
    return found.map((ofSide, side) => [ofSide, this.glued[side]]);
  }

  widths(side) {
    const context = make("canvas").getContext("2d");
    context.font = getComputedStyle(this.sentences[side]).font;
    const widthOf = (node) => (isElement(node) ? node.getBoundingClientRect().width : context.measureText(node.data.replace(/\s+/g, " ")).width);
    return this.cells[side].map((nodes) => nodes.reduce((sum, node) => sum + widthOf(node), 0));
  }

  // From the bottom of the source word to the top of the target word, or up, if the target word stands in an earlier system.
  place() {
    this.lean();
    const box = this.pair.getBoundingClientRect();
    for (const { ends: [source, target], path } of this.drawn) {
      const from = [...this.words[SOURCE][source].getClientRects()].pop(), to = this.words[TARGET][target].getClientRects()[0];
      if (!from || !to) continue;
      const down = to.top >= from.top;
      const x = (from.left + from.right) / 2 - box.left, y = (down ? from.bottom : from.top) - box.top;
      const u = (to.left + to.right) / 2 - box.left, v = (down ? to.top : to.bottom) - box.top, bend = (v - y) * 0.48;
      const points = [x, y, x, y + bend, u, v - bend, u, v].map((number) => number.toFixed(1));
      path.setAttribute("d", `M${points[0]} ${points[1]}C${points.slice(2).join(" ")}`);
      path.dataset.far = String(Math.abs(v - y) > 150);
    }
  }

  // Room between the lines of a system in proportion to how far most links lean, so that few lie flat.
  lean() {
    const middle = (side, index) => { const box = this.words[side][index].getBoundingClientRect(); return (box.left + box.right) / 2; };
    const leans = this.all.map(([source, target]) => Math.abs(middle(SOURCE, source) - middle(TARGET, target))).sort((a, b) => a - b);
    const most = leans[Math.floor(leans.length * 0.85)] || 0;
    this.pair.style.setProperty("--reach", Math.round(Math.max(48, Math.min(96, 40 + 0.16 * most))) + "px");
  }
}

const isElement = (node) => node.nodeType === Node.ELEMENT_NODE;

// Each word of a sentence with the text up to the next one.
function cellsOf(sentence) {
  const found = [[]];
  for (const node of [...sentence.childNodes]) {
    if (isElement(node) && found[found.length - 1].some(isElement)) found.push([]);
    found[found.length - 1].push(node);
  }
  return found;
}

// A word stays with the one before it, if no space parts them and one of the two is a punctuation mark: "l'", "day.", "(no".
function isGlued(before, word) {
  return word.previousSibling === before && (/^[\p{P}\p{S}]/u.test(word.textContent) || /[\p{P}\p{S}]$/u.test(before.textContent));
}
