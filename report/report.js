"use strict";
// Values under the pointer: read back from the drawn lines, which carry their scale.
for (const svg of document.querySelectorAll("svg[data-frame]")) {
  const [left, right, top, bottom] = svg.dataset.frame.split(" ").map(Number);
  const [x0, x1, y0, y1] = svg.dataset.range.split(" ").map(Number);
  const lines = [...svg.querySelectorAll("path.line")].map(p =>
    (p.getAttribute("d").match(/-?[\d.]+ -?[\d.]+/g) || []).map(s => s.split(" ").map(Number)));
  const card = svg.closest(".card");
  if (!card || !lines.some(l => l.length)) continue;
  const hair = document.createElementNS("http://www.w3.org/2000/svg", "path");
  hair.setAttribute("class", "hair");
  const tip = document.createElement("div");
  tip.className = "tip";
  const percent = [...svg.querySelectorAll("text.axis")].some(t => t.textContent.endsWith("%"));
  const show = v => percent ? (100 * v).toFixed(1) + "%" : String(Number(v.toPrecision(4)));
  svg.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / box.width;
    const x = (event.clientX - box.left) * scale;
    let at = null;
    for (const line of lines) for (const p of line) if (at === null || Math.abs(p[0] - x) < Math.abs(at - x)) at = p[0];
    const values = lines.filter(l => l.length).map(l => l.reduce((a, b) => Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a))
      .map(p => show(y0 + (bottom - p[1]) / (bottom - top) * (y1 - y0)));
    hair.setAttribute("d", `M${at} ${top}V${bottom}`);
    svg.append(hair);
    const step = x0 + (at - left) / (right - left) * (x1 - x0);
    tip.textContent = (x1 - x0 > 12 ? "step " + Math.round(step) + ": " : "") + values.join(" / ");
    card.append(tip);
    const room = card.clientWidth - tip.offsetWidth - 4;
    tip.style.left = Math.max(4, Math.min(room, at / scale + svg.offsetLeft - tip.offsetWidth / 2)) + "px";
    tip.style.top = box.top - card.getBoundingClientRect().top - 6 + "px";
  });
  svg.addEventListener("pointerleave", () => { hair.remove(); tip.remove(); });
}
// One stored step at a time, chosen by a slider, the buttons or the arrow keys.
const section = document.getElementById("samples");
const steps = section ? [...section.querySelectorAll("details.step")] : [];
if (steps.length > 1) {
  const bar = document.getElementById("slider");
  const make = (tag, set) => Object.assign(document.createElement(tag), set);
  const back = make("button", {type: "button", textContent: "‹", title: "earlier"});
  const next = make("button", {type: "button", textContent: "›", title: "later"});
  const range = make("input", {type: "range", min: 0, max: steps.length - 1, value: steps.length - 1});
  range.setAttribute("aria-label", "stored step");
  const name = document.createElement("output");
  const go = i => {
    range.value = i;
    const now = Number(range.value);
    steps.forEach((s, j) => { s.classList.toggle("now", j === now); s.open = true; });
    name.textContent = steps[now].querySelector("summary").firstChild.textContent.trim();
  };
  range.addEventListener("input", () => go(range.value));
  back.addEventListener("click", () => go(Number(range.value) - 1));
  next.addEventListener("click", () => go(Number(range.value) + 1));
  bar.append(back, range, next, name);
  bar.hidden = false;
  section.classList.add("one");
  go(steps.length - 1);
  addEventListener("beforeprint", () => section.classList.remove("one"));
  addEventListener("afterprint", () => section.classList.add("one"));
}
