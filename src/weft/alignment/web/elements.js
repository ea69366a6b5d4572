"use strict";

// What the page is built from: elements, and numbers as people read them.

const make = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

const draw = (name, attributes = {}, ...children) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};

const percent = (share) => (share > 0 && share < 0.005 ? "<1\u2009%" : Math.round(share * 100) + "\u2009%");
const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

// Radio buttons in a row; `choices` is a list of [value, text, what it means].
function chooser(legend, choices, chosen, changed) {
  const name = "choice-" + chooser.made++;
  const labels = choices.map(([value, text, title = ""]) => {
    const input = make("input", { type: "radio", name, value, checked: value === chosen });
    input.addEventListener("change", () => changed(value));
    return make("label", { title }, input, make("span", {}, text));
  });
  return make("fieldset", {}, ...(legend ? [make("legend", {}, legend)] : []), ...labels);
}
chooser.made = 0;
