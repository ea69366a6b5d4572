// Each panel with its pair and its heat maps; what is in view in one panel is echoed in the other.

const data = JSON.parse(document.getElementById("data").textContent);
const panels = [...document.querySelectorAll(".panel")];
const compared = panels.length > 1;
const twins = [Object.fromEntries(data.twins), Object.fromEntries(data.twins.map(([here, there]) => [there, here]))];

// The links of the other panel, where their target words have twins here.
const answered = (number) => !compared ? [] : data.panels[1 - number].links
  .filter(([, target]) => twins[1 - number][target] !== undefined)
  .map(([source, target, share]) => [source, twins[1 - number][target], share]);

const pairs = panels.map((panel, number) => new SentencePair(panel, data.panels[number], { twin: compared ? twins[number] : null, others: answered(number) }, (at) => {
  pairs.forEach((other, place) => {
    if (place === number) return;
    const index = at === null ? undefined : at[0] === SOURCE ? at[1] : twins[number][at[1]];
    other.echo(index === undefined ? null : [at[0], index]);
  });
}));

panels.forEach((panel, number) => {
  const heat = data.heats[data.panels[number].heat];
  if (heat && heat.views[0].rows.length && heat.views[0].columns.length) new HeatMaps(panel.querySelector(".heat"), heat, data.panels[number].chosen);
});
