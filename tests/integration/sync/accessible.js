// What can be held against WCAG 2.2 by a program, without another's code: says what is wrong, nothing where all is right.
() => {
  const wrong = [];
  const seen = (each) => each.checkVisibility() && each.getClientRects().length > 0;
  const one = (selector) => document.querySelectorAll(selector).length === 1;
  if (!document.documentElement.lang) wrong.push("no language");
  if (!document.title) wrong.push("no title");
  if (!one("h1") || !one("main")) wrong.push("not one heading and one main part");
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) wrong.push(`a heading is skipped before ${heading.textContent}`);
    level = next;
  }
  for (const field of document.querySelectorAll("input, select, textarea")) {
    if (!field.labels.length) wrong.push(`no label: ${field.name}`);
  }
  for (const each of document.querySelectorAll("a, button")) {
    if (!each.textContent.trim()) wrong.push("a link or button without words");
  }
  for (const table of document.querySelectorAll("table")) {
    if (!table.caption?.textContent.trim()) wrong.push("a table without a caption");
    if (table.querySelector("th:not([scope])")) wrong.push("a heading of a table without its scope");
  }
  for (const each of document.querySelectorAll("*")) {
    const box = getComputedStyle(each);
    if (/(auto|scroll)/.test(box.overflowX) && each.scrollWidth > each.clientWidth && each.tabIndex < 0
      && !each.querySelector("a, button")) wrong.push(`only a mouse can scroll <${each.tagName}>`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
  if (new Set(ids).size !== ids.length) wrong.push("two parts have one id");
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((each) => {
      const part = each / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (each) => {
    for (let at = each; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
  };
  for (const each of document.body.querySelectorAll("*")) {
    const words = [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!words || !seen(each) || each.matches("option, noscript, script")) continue;
    const pair = [light(channels(getComputedStyle(each).color)), light(ground(each))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < 4.5) wrong.push(`contrast ${ratio.toFixed(2)}: ${each.textContent.trim().slice(0, 40)}`);
  }
  return wrong;
}
