// Heat maps of one panel: a thumbnail of every layer and head to choose from, and the chosen one with its labels, with how
// spread each row is at its end and how much each column was read at its foot.

const BY_RULE = "read for the alignment";
const LABEL = 130, SPREAD = 46, READ = 34, SLANT = Math.PI / 3; // pixels, pixels, pixels, radians

function heatMaps(place, heat, chosen) {
  let layer = chosen ? chosen.layer : 0, head = chosen && chosen.heads.length === 1 ? chosen.heads[0] : chosen ? heat.heads : 0;
  let view = heat.views[0], cursor = null, map = null, cells = [], cellSize = 0, labels = [[], []];
  const isRead = (l, h) => Boolean(chosen) && chosen.layer === l && chosen.heads.includes(h);
  const nameOf = (l, h) => `Layer ${l}, ${h < heat.heads ? "head " + h : "mean of its heads"}`;

  function matrix(l, h) { // the head after the last is the mean of all
    const size = view.rows.length * view.columns.length, start = (index) => (l * heat.heads + index) * size;
    if (h < heat.heads) return view.weights.slice(start(h), start(h) + size).map((weight) => weight / 10000);
    const mean = new Array(size).fill(0);
    for (let index = 0; index < heat.heads; index++) for (let i = 0; i < size; i++) mean[i] += view.weights[start(index) + i] / heat.heads / 10000;
    return mean;
  }
  const sumsOf = (sums, size) => sums.slice((layer * (heat.heads + 1) + head) * size, (layer * (heat.heads + 1) + head + 1) * size);

  // Thumbnails: one radio group, walked with the arrow keys.

  const grid = make("div", { className: "grid" });
  grid.setAttribute("role", "radiogroup");
  grid.setAttribute("aria-label", "Layer and head");
  grid.style.gridTemplateColumns = `repeat(${heat.heads + 2}, auto)`;
  const thumbs = [...Array(heat.layers).keys()].map((l) => [...Array(heat.heads + 1).keys()].map((h) => {
    const thumb = make("button", { className: "thumb", type: "button", title: nameOf(l, h) }, make("canvas"));
    thumb.setAttribute("role", "radio");
    thumb.setAttribute("aria-label", nameOf(l, h) + (isRead(l, h) ? ", " + BY_RULE : ""));
    thumb.classList.toggle("read", isRead(l, h));
    thumb.addEventListener("click", () => choose(l, h));
    thumb.addEventListener("keydown", (event) => {
      const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!move) return;
      event.preventDefault();
      choose((l + move[0] + heat.layers) % heat.layers, (h + move[1] + heat.heads + 1) % (heat.heads + 1));
      thumbs[layer][head].focus();
    });
    return thumb;
  }));
  const tops = [...Array(heat.heads).keys()].map((h) => (h ? String(h) : "head 0")).concat("mean");
  grid.append(make("span"), ...tops.map((top) => make("span", { className: "top" }, top)));
  thumbs.forEach((row, l) => grid.append(make("span", { className: "name" }, "layer " + l), ...row));

  function paintThumbs() {
    const probe = make("i"), colour = (name) => { probe.style.color = `var(${name})`; return getComputedStyle(probe).color.match(/\d+/g).slice(0, 3).map(Number); };
    place.append(probe);
    const paper = colour("--paper"), thread = colour("--thread");
    probe.remove();
    thumbs.forEach((row, l) => row.forEach((thumb, h) => {
      const canvas = thumb.firstChild;
      canvas.width = view.columns.length;
      canvas.height = view.rows.length;
      const image = new ImageData(canvas.width, canvas.height);
      matrix(l, h).forEach((weight, i) => image.data.set([...paper.map((low, c) => Math.round(low + (thread[c] - low) * Math.min(1, weight))), 255], 4 * i));
      canvas.getContext("2d").putImageData(image, 0, 0);
    }));
  }

  function choose(l, h) {
    [layer, head, cursor] = [l, h, null];
    fill();
  }

  // The chosen map.

  const which = make("strong"), said = make("output"), scroll = make("div", { className: "scroll" });
  said.setAttribute("aria-live", "polite");

  function shorten(context, text, width) {
    const whole = text.replace(/\s+/g, "\u2423");
    if (context.measureText(whole).width <= width) return whole;
    const points = [...whole];
    while (points.length > 1 && context.measureText(points.join("") + "\u2026").width > width) points.pop();
    return points.join("") + "\u2026";
  }

  function build() { // everything but the weights
    const rows = view.rows.length, columns = view.columns.length, context = make("canvas").getContext("2d");
    const size = (pixels) => { context.font = `${pixels}px ${getComputedStyle(document.documentElement).getPropertyValue("--sans")}`; };
    size(12);
    const longest = (texts) => Math.min(LABEL, Math.max(20, ...texts.map((text) => context.measureText(text).width + 2)));
    const left = longest(view.rows) + 10, reach = longest(view.columns), top = reach * Math.sin(SLANT) + 16;
    const right = Math.max(SPREAD + 10, reach * Math.cos(SLANT)), room = scroll.clientWidth - 6 - left - right;
    cellSize = Math.max(12, Math.min(30, Math.floor(room / Math.max(1, columns))));
    const wide = cellSize * columns, high = cellSize * rows, small = cellSize < 14 ? 10.5 : 12;
    size(small);
    const text = (label, attributes, width) => draw("text", { "font-size": small, ...attributes }, shorten(context, label, width));
    labels = [
      view.rows.map((label, row) => text(label, { x: left - 7, y: top + (row + 0.5) * cellSize, "text-anchor": "end" }, left - 10)),
      view.columns.map((label, column) => text(label, { transform: `translate(${left + (column + 0.5) * cellSize} ${top - 8}) rotate(-60)` }, reach)),
    ];
    cells = view.rows.flatMap((_, row) => view.columns.map((_, column) => draw("rect", { x: left + column * cellSize, y: top + row * cellSize, width: cellSize - 1, height: cellSize - 1 })));
    const ground = cells.map((cell) => cell.cloneNode());
    const outline = draw("rect", { class: "cursor", width: cellSize + 1, height: cellSize + 1, visibility: "hidden" });
    const titles = [
      draw("text", { x: left + wide + 6, y: top + high + 10, "font-size": 10.5 }, "spread"),
      draw("text", { x: left - 7, y: top + high + 10, "font-size": 10.5, "text-anchor": "end" }, "read"),
    ];
    const next = draw("svg", { class: "map", role: "img", tabindex: 0, width: Math.ceil(left + wide + right), height: Math.ceil(top + high + READ + 8), viewBox: `0 0 ${Math.ceil(left + wide + right)} ${Math.ceil(top + high + READ + 8)}` },
      draw("g", { class: "ground" }, ...ground), draw("g", { class: "cells" }, ...cells), draw("g", { class: "sums" }), ...labels.flat(), ...titles, outline);
    const focused = map !== null && map === document.activeElement;
    Object.assign(next.dataset, { left, top });
    next.addEventListener("pointermove", (event) => {
      const box = next.getBoundingClientRect();
      point(Math.floor((event.clientY - box.top - top) / cellSize), Math.floor((event.clientX - box.left - left) / cellSize));
    });
    next.addEventListener("pointerleave", () => point(-1, -1));
    next.addEventListener("keydown", walk);
    map = next;
    scroll.replaceChildren(map);
    if (focused) map.focus({ preventScroll: true });
    fill();
  }

  function fill() { // the weights
    const weights = matrix(layer, head), rows = view.rows.length, columns = view.columns.length;
    const left = Number(map.dataset.left), top = Number(map.dataset.top), right = left + cellSize * columns, bottom = top + cellSize * rows;
    weights.forEach((weight, i) => cells[i].setAttribute("fill-opacity", weight.toFixed(4)));
    const spread = sumsOf(view.spread, rows), read = sumsOf(view.coverage, columns), most = Math.max(1, ...read), thin = Math.min(6, cellSize / 2);
    map.querySelector(".sums").replaceChildren(
      ...spread.map((places, row) => draw("rect", { x: right + 5, y: top + (row + 0.5) * cellSize - thin / 2 - 0.5, height: thin, width: (SPREAD * Math.log(Math.max(1, places)) / Math.log(columns + 1)).toFixed(1), "data-spread": places })),
      ...read.map((sum, column) => draw("rect", { x: left + (column + 0.5) * cellSize - thin / 2 - 0.5, y: bottom + 4, width: thin, height: (READ * sum / most).toFixed(1), "data-read": sum })));
    map.setAttribute("aria-label", `${nameOf(layer, head)}: attention of ${plural(rows, "row")} over ${plural(columns, "column")}; arrow keys walk the cells`);
    thumbs.flat().forEach((thumb) => { thumb.setAttribute("aria-checked", "false"); thumb.tabIndex = -1; });
    thumbs[layer][head].setAttribute("aria-checked", "true");
    thumbs[layer][head].tabIndex = 0;
    which.replaceChildren(nameOf(layer, head), ...(isRead(layer, head) ? [make("span", { className: "muted" }, "\u2002", make("span", { className: "dot" }), BY_RULE)] : []));
    say(weights, spread, read);
  }

  function say(weights, spread, read) {
    const outline = map.querySelector(".cursor"), at = cursor || [-1, -1];
    labels.forEach((texts, side) => texts.forEach((text, index) => text.classList.toggle("at", index === at[side])));
    outline.setAttribute("visibility", cursor ? "visible" : "hidden");
    said.textContent = "";
    if (!cursor) return;
    const cell = cells[cursor[0] * view.columns.length + cursor[1]];
    outline.setAttribute("x", Number(cell.getAttribute("x")) - 1);
    outline.setAttribute("y", Number(cell.getAttribute("y")) - 1);
    const share = weights[cursor[0] * view.columns.length + cursor[1]].toFixed(3);
    said.textContent = `${view.rows[cursor[0]]} \u2190 ${view.columns[cursor[1]]}  ${share} \u2002\u00b7\u2002 row spread over ${spread[cursor[0]].toFixed(1)} \u2002\u00b7\u2002 column read ${read[cursor[1]].toFixed(1)}\u00d7`;
  }

  function point(row, column) {
    const inside = row >= 0 && column >= 0 && row < view.rows.length && column < view.columns.length;
    const next = inside ? [row, column] : null;
    if (String(next) === String(cursor)) return;
    cursor = next;
    say(matrix(layer, head), sumsOf(view.spread, view.rows.length), sumsOf(view.coverage, view.columns.length));
  }

  function walk(event) {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (event.key === "Escape") point(-1, -1);
    if (!move) return;
    event.preventDefault();
    const [row, column] = cursor || [0, 0], within = (value, size) => Math.max(0, Math.min(size - 1, value));
    point(...(cursor ? [within(row + move[0], view.rows.length), within(column + move[1], view.columns.length)] : [0, 0]));
  }

  const across = { words: "across: source words \u00b7 down: target words", tokens: "across: source tokens \u00b7 down: the token that the decoder had just written" };
  const note = make("span", {}, across[view.name]);
  const views = heat.views.length < 2 ? "" : chooser(null, heat.views.map(({ name }) => [name, name]), view.name, (name) => {
    view = heat.views.find((other) => other.name === name);
    cursor = null;
    note.textContent = across[name];
    paintThumbs();
    build();
  });
  if (views) views.setAttribute("aria-label", "Rows and columns");
  place.append(make("div", { className: "bar" }, make("h3", {}, "Attention of every layer and head"), views), grid,
    make("div", { className: "caption" }, which, said), scroll, make("p", { className: "scale" }, make("span", {}, "0"), make("i"), make("span", {}, "1"), note));
  paintThumbs();
  build();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paintThumbs);
  let width = scroll.clientWidth;
  new ResizeObserver(() => { if (scroll.clientWidth !== width) { width = scroll.clientWidth; build(); } }).observe(scroll);
}
