"use strict";
(() => {
  const start = LIVE.given.map(([, number]) => number).concat(LIVE.held);
  let now = start.slice(), made = 0; // the numbers of the state that is shown, after so many updates

  const erf = x => { // series near 0, continued fraction beyond
    const a = Math.abs(x);
    if (a < 2.5) {
      let term = a, sum = a;
      for (let n = 1; n < 100; n++) { term *= -a * a / n; sum += term / (2 * n + 1); }
      return Math.sign(x) * 2 / Math.sqrt(Math.PI) * sum;
    }
    let f = 0;
    for (let n = 120; n > 0; n--) f = n / 2 / (a + f);
    return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + f));
  };
  globalThis.erf = erf;

  const states = () => { // this state and as many after it as the page shows
    const all = [];
    let v = now.slice();
    for (let k = 0; k < LIVE.states; k++) {
      LIVE.compute(v);
      all.push(v);
      if (k + 1 < LIVE.states) v = after(v, made + k + 1);
    }
    return all;
  };
  const after = (v, k) => {
    const next = v.slice();
    for (const [slot, number] of Object.entries(LIVE.update(v, k))) next[slot] = number;
    return next;
  };

  const RAISED = Object.fromEntries([..."-0123456789"].map((c, n) => [c, "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"[n]]));
  const SMALLEST = -5, LARGEST = 15, MARK = document.documentElement.dataset.decimalMark ?? ".";
  const adjusted = text => text === "0" ? 0 : +Number(text).toExponential().split("e")[1];
  const shown = (x, digits) => { // as on paper: so many decimals, and as many significant digits
    if (!Number.isFinite(x)) return "?";
    if (x === 0) return "0";
    const power = +x.toExponential(20).split("e")[1];
    let places = Math.max(digits, digits - 1 - power);
    let text = x.toFixed(Math.min(places, 100));
    if (adjusted(text) > power && places > digits) { places -= 1; text = x.toFixed(Math.min(places, 100)); }
    if (Math.abs(x - Number(text)) <= Math.abs(x) * 1e-14) text = text.replace(/\.?0+$/, m => m.includes(".") || text.includes(".") ? "" : m);
    const size = adjusted(text);
    if (Number(text) !== 0 && (size < SMALLEST || size > LARGEST)) {
      const [mantissa, exponent] = x.toExponential(digits - 1).split("e");
      return mantissa + "·10" + [...String(+exponent)].map(c => RAISED[c]).join("");
    }
    return Number(text) === 0 ? text.replace("-", "") : text;
  };

  const numbers = document.querySelectorAll("[data-of]");
  const branches = document.querySelectorAll("[data-if], [data-unless]");
  const show = () => {
    const s = states();
    for (const element of numbers) {
      const x = LIVE.shown[element.dataset.of](s);
      let text = shown(x, +element.dataset.digits).replace("-", "−").replace(".", MARK);
      if ("guarded" in element.dataset && text.startsWith("−")) text = `(${text})`;
      if (element.textContent !== text) element.textContent = text;
    }
    for (const element of branches) {
      const wanted = "if" in element.dataset;
      const holds = LIVE.shown[element.dataset.if ?? element.dataset.unless](s);
      element.toggleAttribute("hidden", holds !== wanted);
    }
    const changed = made > 0 || now.some((x, n) => x !== start[n]);
    document.body.classList.toggle("edited", changed);
    document.querySelector("#made").textContent = made;
    for (const input of inputs) {
      if (document.activeElement !== input) input.value = String(+now[+input.dataset.slot].toPrecision(12)).replace(".", MARK);
    }
    window.live = { states: s, made };
  };

  const inputs = [...document.querySelectorAll("input[data-slot]")];
  for (const input of inputs) input.addEventListener("input", () => {
    const x = Number(input.value.replace(",", "."));
    const fine = input.value.trim() !== "" && Number.isFinite(x);
    input.setAttribute("aria-invalid", String(!fine));
    if (fine) { now[+input.dataset.slot] = x; show(); }
  });
  const train = count => { for (let n = 0; n < count; n++) { const v = now.slice(); LIVE.compute(v); made += 1; now = after(v, made).slice(0, start.length); } show(); };
  const on = (id, act) => document.querySelector(id)?.addEventListener("click", act);
  on("#update", () => train(1));
  on("#updates", () => train(10));
  on("#reset", () => { now = start.slice(); made = 0; steps.forEach(step => { step.hidden = false; }); show(); });

  const steps = [...document.querySelectorAll("main section .step")];
  on("#next", () => {
    const waiting = steps.filter(step => step.hidden);
    if (waiting.length === 0) { steps.forEach(step => { step.hidden = true; }); steps[0]?.scrollIntoView({ block: "center" }); return; }
    waiting[0].hidden = false;
    waiting[0].scrollIntoView({ block: "center" });
  });
  show();
})();
