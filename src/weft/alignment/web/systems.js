// Long sentences are set like music: in systems of one source line over one target line, so that links stay short. The
// breaks are those that keep the most link weight inside systems (dynamic programming over both sentences at once).

const SYSTEM_COST = 2; // a further system must keep as much link weight together
const LONELY_COST = 3; // of a line without a line to answer it
const RAGGED_COST = 0.3; // of a system that is left quite empty, the last one excepted
const BAND = 40; // words that the two sentences may be out of step, where they are long
const LONG_PAIR = 20000; // source words times target words

// Of each sentence the widths of its words in pixels, and which must not begin a line; links as [source, target, weight]; gives [[source start, source end], [target start, target end]] of each system.
function systems([sourceWidths, sourceGlued], [targetWidths, targetGlued], links, width) {
  const sources = sourceWidths.length, targets = targetWidths.length, across = targets + 1;
  const sums = linkSums(sources, targets, links);
  const best = new Float64Array((sources + 1) * across).fill(-Infinity), from = new Int32Array(best.length).fill(-1);
  const near = (i, j) => sources * targets <= LONG_PAIR || Math.abs(j - (i * targets) / Math.max(1, sources)) <= BAND;
  const targetEnds = targetWidths.concat(0).map((_, j) => ends(targetWidths, targetGlued, j, width));
  best[0] = 0;
  for (let i = 0; i <= sources; i++) {
    const sourceEnds = ends(sourceWidths, sourceGlued, i, width);
    for (let j = 0; j <= targets; j++) {
      const here = i * across + j;
      if (best[here] === -Infinity) continue;
      for (const [i2, sourceWidth] of sourceEnds) {
        for (const [j2, targetWidth] of targetEnds[j]) {
          const there = i2 * across + j2;
          if (there === here || !near(i2, j2)) continue;
          const inside = sums[there] - sums[i * across + j2] - sums[i2 * across + j] + sums[here];
          const empty = there === best.length - 1 ? 0 : Math.max(0, 1 - Math.max(sourceWidth, targetWidth) / width);
          const lonely = i2 === i || j2 === j ? LONELY_COST : 0;
          const value = best[here] + inside - SYSTEM_COST - lonely - RAGGED_COST * empty * empty;
          if (value > best[there]) { best[there] = value; from[there] = here; }
        }
      }
    }
  }
  const found = [];
  for (let at = best.length - 1; at > 0; at = from[at]) {
    const before = from[at];
    found.unshift([[Math.floor(before / across), Math.floor(at / across)], [before % across, at % across]]);
  }
  return found;
}

// Every place where a line that begins with word `start` may end, with its width; what is wider than a line is cut anywhere.
function ends(widths, glued, start, width) {
  const found = [[start, 0]];
  for (let end = start, sum = 0; end < widths.length; ) {
    sum += widths[end++];
    const tooWide = sum > width && end > start + 1;
    if (tooWide && found.length > 1) break;
    if (tooWide) { found.push([end - 1, width]); break; }
    if (end === widths.length || !glued[end]) found.push([end, sum]);
  }
  return found;
}

// sums[i][j]: the weight of all links between the first i source words and the first j target words.
function linkSums(sources, targets, links) {
  const across = targets + 1, sums = new Float64Array((sources + 1) * across);
  for (const [source, target, weight] of links) sums[(source + 1) * across + target + 1] += weight;
  for (let i = 1; i <= sources; i++) {
    for (let j = 1; j <= targets; j++) sums[i * across + j] += sums[(i - 1) * across + j] + sums[i * across + j - 1] - sums[(i - 1) * across + j - 1];
  }
  return sums;
}
