// Pictures with what was written of them: for the word in view, the picture is veiled where it was not looked at.

const VEIL = [12, 14, 18], DARKEST = 0.82; // a veil that is dark in both schemes: what was looked at keeps its colours
const HINT = "Point at a word, or walk through the words with the arrow keys; Enter holds one, Escape lets it go.";
const FINER = 8; // points of a heat map for each of its fields, down and across; the browser smooths the rest

const data = JSON.parse(document.getElementById("data").textContent);
document.querySelectorAll(".picture").forEach((section, number) => showPicture(section, data[number]));

// A heat map of `rows` by `columns` at finer points, each between the middles of the fields around it.
function finer(heat, rows, columns) {
  const found = new Float64Array(rows * FINER * columns * FINER);
  const around = (point, count) => {
    const place = Math.min(Math.max((point + 0.5) / FINER - 0.5, 0), count - 1), low = Math.floor(place);
    return [low, Math.min(low + 1, count - 1), place - low];
  };
  for (let y = 0; y < rows * FINER; y++) {
    const [top, bottom, down] = around(y, rows);
    for (let x = 0; x < columns * FINER; x++) {
      const [left, right, across] = around(x, columns), at = (row, column) => heat[row * columns + column];
      const upper = at(top, left) * (1 - across) + at(top, right) * across, lower = at(bottom, left) * (1 - across) + at(bottom, right) * across;
      found[y * columns * FINER + x] = upper * (1 - down) + lower * down;
    }
  }
  return found;
}

// The veil of a heat map on a canvas of its own size: clear at its highest point. It thins with the root of a share: where
// one field has most of the attention, the shares of all others would look alike.
function veil(canvas, heat, [rows, columns]) {
  canvas.width = columns * FINER;
  canvas.height = rows * FINER;
  const points = finer(heat, rows, columns), highest = Math.max(...heat, 1e-9);
  const image = new ImageData(canvas.width, canvas.height);
  points.forEach((share, place) => image.data.set([...VEIL, Math.round(255 * DARKEST * (1 - Math.sqrt(share / highest)))], place * 4));
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function showPicture(section, { grid, window: [left, top, right, bottom], captions }) {
  const frame = section.querySelector(".frame"), image = frame.querySelector("img"), readout = section.querySelector(".readout");
  const sheet = make("canvas");
  Object.assign(sheet.style, { left: left * 100 + "%", top: top * 100 + "%", width: (right - left) * 100 + "%", height: (bottom - top) * 100 + "%" });
  sheet.setAttribute("aria-hidden", "true");
  frame.append(sheet);
  const lines = [...section.querySelectorAll(".tiles")].map((line) => [...line.querySelectorAll(".tile")]);
  let held = null;

  const show = (tile, word) => {
    lines.flat().forEach((other) => other.classList.toggle("active", other === tile));
    frame.classList.toggle("busy", tile !== null);
    if (tile === null) { readout.textContent = HINT; return; }
    veil(sheet, word.heat, grid);
    readout.replaceChildren(make("b", {}, tile.querySelector("b").textContent), " ", said(word));
  };
  const view = (tile, word) => { if (held === null) show(tile, word); };
  const hold = (tile, word) => {
    held = null;
    lines.flat().forEach((other) => other.setAttribute("aria-pressed", String(other === tile)));
    view(tile, word);
    held = tile;
  };

  lines.forEach((tiles, rank) => tiles.forEach((tile, place) => {
    const word = captions[rank][place];
    if (tile.closest(".ranked") === null) thumbnail(tile, image, word.heat, grid, [left, top, right, bottom]);
    tile.setAttribute("role", "button");
    tile.setAttribute("aria-pressed", "false");
    tile.setAttribute("aria-label", `${tile.querySelector("b").textContent}, ${said(word)}`);
    tile.tabIndex = place ? -1 : 0;
    tile.addEventListener("pointerenter", () => view(tile, word));
    tile.addEventListener("pointerleave", () => view(null));
    tile.addEventListener("blur", () => view(null));
    tile.addEventListener("focus", () => {
      tiles.forEach((other) => { other.tabIndex = other === tile ? 0 : -1; });
      view(tile, word);
    });
    const toggle = () => (held === tile ? hold(null) : hold(tile, word));
    tile.addEventListener("click", toggle);
    tile.addEventListener("keydown", (event) => {
      const acts = { Enter: toggle, " ": toggle, Escape: () => hold(null) };
      const steps = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tiles.length - 1 };
      const next = tiles[steps[event.key]];
      if (!acts[event.key] && !next) return;
      event.preventDefault();
      if (acts[event.key]) { acts[event.key](); return; }
      hold(null);
      next.focus();
    });
  }));
  hold(null);
}

function said({ probability, spread, fields, nowhere }) {
  const rest = nowhere >= 0.005 ? `; ${percent(nowhere)} of its attention is on no place` : "";
  return `sure ${percent(probability)}; looks at ${spread.toFixed(1)} of ${fields} fields${rest}`;
}

// The picture as it was seen for one word, small.
function thumbnail(tile, image, heat, grid, [left, top, right, bottom]) {
  const canvas = make("canvas"), small = make("canvas");
  canvas.setAttribute("aria-hidden", "true");
  tile.prepend(canvas);
  const paint = () => {
    const scale = 144 / Math.max(image.naturalWidth, image.naturalHeight);
    canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
    canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
    const pen = canvas.getContext("2d"), { width, height } = canvas;
    pen.drawImage(image, 0, 0, width, height);
    pen.drawImage(veil(small, heat, grid), left * width, top * height, (right - left) * width, (bottom - top) * height);
  };
  if (image.complete && image.naturalWidth) paint();
  else image.addEventListener("load", paint);
}
