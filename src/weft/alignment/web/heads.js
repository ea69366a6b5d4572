// A thumbnail of every layer and head, and of each layer's mean, as one group of radio buttons: one stop of the Tab key,
// walked with the arrow keys. `chosen(layer, head)` is told of every choice; the head after the last is the mean.

class Heads {
  constructor({ layers, heads }, isRead, chosen) {
    Object.assign(this, { layers, heads, chosen });
    const range = (count) => [...Array(count).keys()];
    this.thumbs = range(layers).map((layer) => range(heads + 1).map((head) => this.thumb(layer, head, isRead(layer, head))));
    this.element = make("div", { className: "grid" }, make("span"), ...range(heads + 1).map((head) => make("span", { className: "top" }, this.top(head))));
    this.thumbs.forEach((row, layer) => this.element.append(make("span", { className: "name" }, "layer " + layer), ...row));
    this.element.setAttribute("role", "radiogroup");
    this.element.setAttribute("aria-label", "Layer and head");
    this.element.style.gridTemplateColumns = `repeat(${heads + 2}, auto)`;
  }

  top(head) {
    return head === this.heads ? "mean" : head ? String(head) : "head 0";
  }

  nameOf(layer, head) {
    return `Layer ${layer}, ${head < this.heads ? "head " + head : "mean of its heads"}`;
  }

  thumb(layer, head, isRead) {
    const thumb = make("button", { className: "thumb", type: "button", title: this.nameOf(layer, head) }, make("canvas"));
    thumb.setAttribute("role", "radio");
    thumb.setAttribute("aria-label", this.nameOf(layer, head) + (isRead ? ", " + BY_RULE : ""));
    thumb.classList.toggle("read", isRead);
    thumb.addEventListener("click", () => this.chosen(layer, head));
    thumb.addEventListener("keydown", (event) => this.step(event, layer, head));
    return thumb;
  }

  step(event, layer, head) {
    const move = ARROWS[event.key];
    if (!move) return;
    event.preventDefault();
    const to = [(layer + move[0] + this.layers) % this.layers, (head + move[1] + this.heads + 1) % (this.heads + 1)];
    this.chosen(...to);
    this.thumbs[to[0]][to[1]].focus();
  }

  check(layer, head) {
    this.thumbs.flat().forEach((thumb) => { thumb.setAttribute("aria-checked", "false"); thumb.tabIndex = -1; });
    this.thumbs[layer][head].setAttribute("aria-checked", "true");
    this.thumbs[layer][head].tabIndex = 0;
  }

  // Pictures of weights, a pixel each, in the colours of the page as it is now; `weightsOf(layer, head)` gives rows one after another.
  paint(columns, rows, weightsOf) {
    const probe = make("i");
    this.element.append(probe);
    const [paper, thread] = ["--paper", "--thread"].map((name) => { probe.style.color = `var(${name})`; return getComputedStyle(probe).color.match(/\d+/g).slice(0, 3).map(Number); });
    probe.remove();
    this.thumbs.forEach((row, layer) => row.forEach((thumb, head) => {
      const canvas = Object.assign(thumb.firstChild, { width: columns, height: rows }), image = new ImageData(columns, rows);
      weightsOf(layer, head).forEach((weight, i) => {
        for (let part = 0; part < 3; part++) image.data[4 * i + part] = paper[part] + (thread[part] - paper[part]) * Math.min(1, weight);
        image.data[4 * i + 3] = 255;
      });
      canvas.getContext("2d").putImageData(image, 0, 0);
    }));
  }
}
