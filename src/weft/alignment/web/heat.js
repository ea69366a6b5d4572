// Heat maps of one panel: the heads to choose from, and the chosen one with its labels, with how spread each row is at its
// end and how much each column was read at its foot.

const BY_RULE = "read for the alignment";
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const LABEL = 130, SPREAD = 46, READ = 34, SLANT = 60; // pixels, pixels, pixels, degrees
const ACROSS = {
  words: "across: source words \u00b7 down: target words",
  tokens: "across: source tokens \u00b7 down: the token that the decoder had just written",
};

class HeatMaps {
  constructor(place, heat, chosen) {
    Object.assign(this, { heat, chosen, view: heat.views[0], cursor: null });
    this.layer = chosen ? chosen.layer : 0;
    this.head = !chosen ? 0 : chosen.heads.length === 1 ? chosen.heads[0] : heat.heads;
    this.heads = new Heads(heat, (layer, head) => this.isRead(layer, head), (layer, head) => this.choose(layer, head));
    [this.which, this.said, this.scroll, this.note] = [make("strong"), make("output"), make("div", { className: "scroll" }), make("span")];
    this.said.setAttribute("aria-live", "polite");
    place.append(this.top(), this.heads.element, make("div", { className: "caption" }, this.which, this.said), this.scroll,
      make("p", { className: "scale" }, make("span", {}, "0"), make("i"), make("span", {}, "1"), this.note));
    this.turn(this.view.name);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paintHeads());
    new ResizeObserver(() => { if (this.scroll.clientWidth !== this.width) this.build(); }).observe(this.scroll);
  }

  top() {
    const bar = make("div", { className: "bar" }, make("h3", {}, "Attention of every layer and head"));
    if (this.heat.views.length < 2) return bar;
    const views = chooser(null, this.heat.views.map(({ name }) => [name, name]), this.view.name, (name) => this.turn(name));
    views.setAttribute("aria-label", "Rows and columns");
    bar.append(views);
    return bar;
  }

  isRead(layer, head) {
    return Boolean(this.chosen) && this.chosen.layer === layer && this.chosen.heads.includes(head);
  }

  // Words or tokens.
  turn(name) {
    this.view = this.heat.views.find((view) => view.name === name);
    this.note.textContent = ACROSS[name];
    this.cursor = null;
    this.live = this.everRead();
    this.paintHeads();
    this.build();
  }

  // The cells, counted row by row, that some head read: what stands in different sentences was never read, and is most of a long text.
  everRead() {
    const size = this.view.rows.length * this.view.columns.length, read = new Uint8Array(size);
    this.view.weights.forEach((weight, i) => { if (weight) read[i % size] = 1; });
    return [...read.keys()].filter((i) => read[i]);
  }

  choose(layer, head) {
    Object.assign(this, { layer, head, cursor: null });
    this.fill();
  }

  // Numbers of a head; the head after the last is the mean of all.

  matrix(layer, head) {
    const { rows, columns, weights } = this.view, { heads } = this.heat, size = rows.length * columns.length;
    const of = (index) => weights.slice((layer * heads + index) * size, (layer * heads + index + 1) * size).map((weight) => weight / 10000);
    if (head < heads) return of(head);
    return [...Array(heads).keys()].map(of).reduce((sum, one) => sum.map((weight, i) => weight + one[i])).map((sum) => sum / heads);
  }

  sums(name, size) {
    const start = (this.layer * (this.heat.heads + 1) + this.head) * size;
    return this.view[name].slice(start, start + size);
  }

  paintHeads() {
    this.heads.paint(this.view.columns.length, this.view.rows.length, (layer, head) => this.matrix(layer, head));
  }

  // The map without its weights: made anew for other labels and other widths.

  build() {
    const { rows, columns } = this.view, focused = this.map !== undefined && this.map === document.activeElement;
    this.width = this.scroll.clientWidth;
    this.measure();
    const { left, top, cell, wide, high } = this.size;
    const square = (i) => draw("rect", { x: left + (i % columns.length) * cell, y: top + Math.floor(i / columns.length) * cell, width: cell - 1, height: cell - 1 });
    const cells = draw("g", { class: "cells" });
    this.cells = this.live.map((i) => cells.appendChild(square(i)));
    this.bars = draw("g", { class: "sums" });
    this.outline = draw("rect", { class: "cursor", width: cell + 1, height: cell + 1, visibility: "hidden" });
    this.labels = [rows.map((label, row) => this.rowLabel(label, row)), columns.map((label, column) => this.columnLabel(label, column))];
    const foot = { y: top + cell * rows.length + 10, "font-size": 10.5 };
    const titles = [draw("text", { ...foot, x: left + cell * columns.length + 6 }, "spread"), draw("text", { ...foot, x: left - 7, "text-anchor": "end" }, "read")];
    this.map = draw("svg", { class: "map", role: "img", tabindex: 0, width: wide, height: high, viewBox: `0 0 ${wide} ${high}` },
      this.ground(), cells, this.bars, ...this.labels.flat(), ...titles, this.outline);
    this.map.addEventListener("pointermove", (event) => this.pointAt(event));
    this.map.addEventListener("pointerleave", () => this.point(null));
    this.map.addEventListener("keydown", (event) => this.walk(event));
    this.scroll.replaceChildren(this.map);
    if (focused) this.map.focus({ preventScroll: true });
    this.fill();
  }

  // What lies under the cells: a tint, and lines of paper between rows and columns.
  ground() {
    const { left, top, cell } = this.size, right = left + cell * this.view.columns.length, bottom = top + cell * this.view.rows.length;
    const down = this.view.rows.map((_, row) => `M${left} ${top + (row + 1) * cell - 0.5}H${right}`);
    const across = this.view.columns.map((_, column) => `M${left + (column + 1) * cell - 0.5} ${top}V${bottom}`);
    return draw("g", { class: "ground" }, draw("rect", { x: left, y: top, width: right - left, height: bottom - top }), draw("path", { d: [...down, ...across].join("") }));
  }

  // Where everything goes, in pixels: as large as there is room, but never too small to read.
  measure() {
    const { rows, columns } = this.view;
    this.pen = make("canvas").getContext("2d");
    const write = (pixels) => { this.pen.font = `${pixels}px ${getComputedStyle(document.documentElement).getPropertyValue("--sans")}`; };
    write(12);
    const longest = (texts) => Math.min(LABEL, Math.max(20, ...texts.map((text) => this.pen.measureText(text).width + 2)));
    const slant = (SLANT * Math.PI) / 180, reach = longest(columns), left = longest(rows) + 10, top = reach * Math.sin(slant) + 16;
    const right = Math.max(SPREAD + 10, reach * Math.cos(slant)), room = this.width - 6 - left - right;
    const cell = Math.max(11, Math.min(30, Math.floor(room / columns.length))), font = cell < 14 ? 10.5 : 12;
    write(font);
    const wide = Math.ceil(left + cell * columns.length + right), high = Math.ceil(top + cell * rows.length + READ + 8);
    this.size = { left, top, cell, font, reach, wide, high };
  }

  rowLabel(label, row) {
    const { left, top, cell, font } = this.size;
    return draw("text", { "font-size": font, x: left - 7, y: top + (row + 0.5) * cell, "text-anchor": "end" }, this.shortened(label, left - 10));
  }

  columnLabel(label, column) {
    const { left, top, cell, font, reach } = this.size;
    const turned = `translate(${left + (column + 0.5) * cell} ${top - 8}) rotate(${-SLANT})`;
    return draw("text", { "font-size": font, transform: turned }, this.shortened(label, reach));
  }

  shortened(text, width) {
    const points = [...text.replace(/\s+/g, "\u2423")], fits = (shown) => this.pen.measureText(shown).width <= width;
    if (fits(points.join(""))) return points.join("");
    while (points.length > 1 && !fits(points.join("") + "\u2026")) points.pop();
    return points.join("") + "\u2026";
  }

  // The weights of the chosen head.

  fill() {
    const { rows, columns } = this.view;
    this.weights = this.matrix(this.layer, this.head);
    this.spread = this.sums("spread", rows.length);
    this.read = this.sums("coverage", columns.length);
    this.live.forEach((i, place) => this.cells[place].setAttribute("fill-opacity", this.weights[i].toFixed(4)));
    this.bars.replaceChildren(...this.spread.map((places, row) => this.spreadBar(places, row)), ...this.read.map((sum, column) => this.readBar(sum, column)));
    this.heads.check(this.layer, this.head);
    const name = this.heads.nameOf(this.layer, this.head), dot = make("span", { className: "dot" });
    this.which.replaceChildren(name, ...(this.isRead(this.layer, this.head) ? [make("span", { className: "muted" }, "\u2002", dot, BY_RULE)] : []));
    this.map.setAttribute("aria-label", `${name}: attention of ${plural(rows.length, "row")} over ${plural(columns.length, "column")}; arrow keys walk the cells`);
    this.say();
  }

  spreadBar(places, row) {
    const { left, top, cell } = this.size, thin = Math.min(6, cell / 2), columns = this.view.columns.length;
    const width = (SPREAD * Math.log(Math.max(1, places))) / Math.log(columns + 1);
    return draw("rect", { x: left + cell * columns + 5, y: top + (row + 0.5) * cell - thin / 2 - 0.5, height: thin, width: width.toFixed(1), "data-spread": places });
  }

  readBar(sum, column) {
    const { left, top, cell } = this.size, thin = Math.min(6, cell / 2), height = (READ * sum) / Math.max(1, ...this.read);
    return draw("rect", { x: left + (column + 0.5) * cell - thin / 2 - 0.5, y: top + cell * this.view.rows.length + 4, width: thin, height: height.toFixed(1), "data-read": sum });
  }

  // The cell under the pointer, or walked to.

  pointAt(event) {
    const { rows, columns } = this.view, { left, top, cell } = this.size, box = this.map.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top - top) / cell), column = Math.floor((event.clientX - box.left - left) / cell);
    this.point(row >= 0 && column >= 0 && row < rows.length && column < columns.length ? [row, column] : null);
  }

  walk(event) {
    const move = ARROWS[event.key], last = [this.view.rows.length - 1, this.view.columns.length - 1];
    if (event.key === "Escape") this.point(null);
    if (!move) return;
    event.preventDefault();
    this.point(this.cursor ? this.cursor.map((place, axis) => Math.max(0, Math.min(last[axis], place + move[axis]))) : [0, 0]);
  }

  point(cursor) {
    if (String(cursor) === String(this.cursor)) return;
    this.cursor = cursor;
    this.say();
  }

  say() {
    const at = this.cursor || [-1, -1], { left, top, cell } = this.size;
    this.labels.forEach((texts, axis) => texts.forEach((text, place) => text.classList.toggle("at", place === at[axis])));
    this.outline.setAttribute("visibility", this.cursor ? "visible" : "hidden");
    this.said.textContent = "";
    if (!this.cursor) return;
    const [row, column] = at, { rows, columns } = this.view, share = this.weights[row * columns.length + column];
    this.outline.setAttribute("x", left + column * cell - 1);
    this.outline.setAttribute("y", top + row * cell - 1);
    const sums = [`row spread over ${this.spread[row].toFixed(1)}`, `column read ${this.read[column].toFixed(1)}\u00d7`];
    this.said.textContent = [`${rows[row]} \u2190 ${columns[column]}  ${share.toFixed(3)}`, ...sums].join(" \u2002\u00b7\u2002 ");
  }
}
