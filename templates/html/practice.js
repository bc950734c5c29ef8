"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const variants = [...document.querySelectorAll(".variant")];
  const MARK = document.documentElement.dataset.decimalMark ?? ".";

  // 0,0822  −8.22e-2  8.22·10^-2  3/4: a number and how many digits of it were typed; null for anything else
  const PLAIN = "[-+]?(?:\\d+\\.?\\d*|\\.\\d+)";
  const NUMBER = new RegExp(`^(${PLAIN})(?:(?:e|[*·×]10\\^)\\(?([-+]?\\d+)\\)?)?$`, "i");
  const FRACTION = new RegExp(`^(${PLAIN})/(${PLAIN})$`);
  const read = text => {
    const plain = text.trim().replace(/^[=≈]\s*/, "").replace(/[−–]/g, "-").replace(/\s+/g, "").replace(",", ".");
    const found = NUMBER.exec(plain);
    if (found) {
      const power = Number(found[2] ?? 0), digits = found[1].replace(/^[-+]?0*\.?0*/, "").replace(".", "").length;
      const decimals = (found[1].split(".")[1] ?? "").length;
      return { number: Number(found[1]) * 10 ** power, digits, unit: 10 ** (power - decimals) };
    }
    const over = FRACTION.exec(plain);
    return over && Number(over[2]) !== 0 ? { number: over[1] / over[2], digits: 99, unit: 0 } : null;
  };

  const judged = (key, text) => { // the name of what is said, and of a mistake
    if (key.form !== "number") {
      const bare = text.toLowerCase().replace(/[\s()]/g, "").replace(/[×*·]/g, "x");
      if (bare === String(key.answer)) return ["right"];
      const note = key.wrong.find(([answer]) => String(answer) === bare)?.[1];
      return note ? ["mistake", note] : ["wrong"];
    }
    const typed = read(text);
    if (typed === null || !Number.isFinite(typed.number)) return ["unreadable"];
    const x = typed.number, near = key.near + 1e-12 * Math.abs(key.answer);
    const off = y => Math.abs(x - y);
    if (off(key.answer) <= near) return ["right"];
    const share = key.answer === 0 ? 1 : near / Math.abs(key.answer);
    const fits = key.wrong.filter(([y]) => off(y) <= Math.max(share * Math.abs(y), typed.unit / 2 * (typed.digits >= key.digits)));
    if (fits.length) return ["mistake", fits.reduce((a, b) => off(b[0]) < off(a[0]) ? b : a)[1]];
    if (x !== 0 && typed.digits < key.digits && off(key.answer) <= typed.unit / 2 + near) return ["few"];
    if (x !== 0 && off(-key.answer) <= near) return ["sign"];
    if (x !== 0 && [-3, -2, -1, 1, 2, 3].some(n => off(key.answer * 10 ** n) <= near * 10 ** n)) return ["power"];
    return ["wrong"];
  };

  const score = () => {
    const now = variants.find(variant => !variant.hidden);
    const fields = [...now.querySelectorAll(".part input")];
    const right = fields.filter(field => field.dataset.verdict === "right").length;
    document.querySelector("#score").textContent = fields.length ? TEXTS.score.replace("{n}", right).replace("{of}", fields.length) : "";
  };

  for (const part of document.querySelectorAll(".part")) {
    const key = JSON.parse(part.dataset.key), field = part.querySelector("input");
    field?.addEventListener("change", () => {
      const status = part.querySelector("[role=status]"), text = field.value.trim();
      const [verdict, note] = text === "" ? [""] : judged(key, text);
      field.dataset.verdict = verdict;
      field.setAttribute("aria-invalid", String(verdict !== "" && verdict !== "right"));
      const said = verdict === "" ? "" : note ? TEXTS.mistakes[note] : TEXTS[verdict];
      status.textContent = said.replace("{answer}", () => text);
      score();
    });
    field?.addEventListener("keydown", event => { if (event.key === "Enter") field.dispatchEvent(new Event("change")); });
    const hints = [...part.querySelectorAll(".hint")], button = part.querySelector(".ask");
    button.addEventListener("click", () => {
      const next = hints.find(hint => hint.hidden);
      if (next) next.hidden = false;
      button.disabled = !hints.some(hint => hint.hidden);
    });
  }

  let waiting = []; // every variant once, in any order, before any comes again
  const shuffled = last => {
    const all = variants.slice();
    for (let n = all.length - 1; n > 0; n--) {
      const k = Math.floor(Math.random() * (n + 1));
      [all[n], all[k]] = [all[k], all[n]];
    }
    if (all.at(-1) === last) all.unshift(all.pop()); // not the same twice
    return all;
  };
  const another = last => {
    const now = variants.find(variant => !variant.hidden);
    if (waiting.length === 0) waiting = shuffled(last);
    const next = waiting.pop();
    now.hidden = true;
    next.hidden = false;
    for (const field of next.querySelectorAll("input")) { field.value = ""; field.dispatchEvent(new Event("change")); }
    for (const hint of next.querySelectorAll(".hint")) hint.hidden = true;
    for (const button of next.querySelectorAll(".ask")) button.disabled = false;
    score();
  };
  document.querySelector("#another").addEventListener("click", () => {
    another(variants.find(variant => !variant.hidden));
    scrollTo(0, 0);
  });
  another();
});
