/* The area map: functions that dash-leaflet calls by name (window.tianfu.map).
 *
 * Colours come from CSS classes (map.css), so a theme needs no redraw. Text is set by textContent only.
 * A click sends {code, name, level, bounds, n} as `clickData` of the shapes; Escape sends {up: true, n}.
 * dash-leaflet draws all shapes anew when `hideout` changes (without fetching them again), so focus
 * and outlines are kept here, by area code.
 */
"use strict";
(function () {
  const SVG = "http://www.w3.org/2000/svg";
  const states = new WeakMap(); // Leaflet map -> State
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const PAD = 8; // pixels between the shapes and the frame
  let sent = 0; // a second click on the same area must differ from the first

  /** What one map remembers between two drawings. */
  function stateOf(map) {
    if (!states.has(map)) {
      const state = {
        map, layers: new Map(), labels: new Map(), rings: {}, url: null, current: null, hasFocus: false, blurred: null,
        pending: 0, fitZoom: null, setProps: null, selected: null, cameFrom: null, lang: "zh-CN",
      };
      states.set(map, state);
      watch(state);
    }
    return states.get(map);
  }

  function watch(state) {
    const box = state.map.getContainer();
    addPatterns(box.ownerDocument);
    nameButtons(box);
    box.addEventListener("keydown", (event) => onKey(state, event));
    state.map.on("moveend", () => {
      allowDrag(state);
      arrange(state);
    });
    let width = box.clientWidth;
    let height = box.clientHeight;
    // A map made while hidden has no size; it stays blank until it is told of the new one.
    new ResizeObserver(() => {
      if (box.clientWidth === width && box.clientHeight === height) return;
      const wasHidden = !width || !height;
      width = box.clientWidth;
      height = box.clientHeight;
      if (!width || !height) return;
      const untouched = wasHidden || state.map.getZoom() === state.fitZoom;
      state.map.invalidateSize({ animate: false });
      if (untouched) fit(state);
      arrange(state);
    }).observe(box);
  }

  function nameButtons(box) {
    const frame = box.closest(".tf-map-frame");
    if (!frame) return;
    for (const [part, text] of [["in", frame.dataset.zoomIn], ["out", frame.dataset.zoomOut]]) {
      const button = box.querySelector(`.leaflet-control-zoom-${part}`);
      if (button) for (const name of ["title", "aria-label"]) button.setAttribute(name, text);
    }
  }

  /** On a touch screen one finger scrolls the page, until the map is zoomed in and has to be moved. */
  function allowDrag(state) {
    if (!window.matchMedia("(pointer: coarse)").matches) return;
    const larger = state.fitZoom !== null && state.map.getZoom() > state.fitZoom + 0.01;
    state.map.dragging[larger ? "enable" : "disable"]();
  }

  /** Hatches that tell the four kinds of "no value" apart, in colour of the theme. */
  function addPatterns(doc) {
    if (doc.getElementById("tf-map-patterns")) return;
    const svg = doc.createElementNS(SVG, "svg");
    svg.id = "tf-map-patterns";
    svg.setAttribute("aria-hidden", "true");
    const draw = {
      unknown: "M0,8 L8,0 M-2,2 L2,-2 M6,10 L10,6",
      not_reported: "M0,0 L8,8 M-2,6 L2,10 M6,-2 L10,2",
      suppressed: "M0,8 L8,0 M0,0 L8,8",
      out_of_scope: "M1.5,2 h1 M5.5,6 h1",
    };
    for (const [name, d] of Object.entries(draw)) {
      const pattern = doc.createElementNS(SVG, "pattern");
      const attributes = { id: `tf-hatch-${name}`, width: 8, height: 8, patternUnits: "userSpaceOnUse" };
      for (const [key, value] of Object.entries(attributes)) pattern.setAttribute(key, value);
      const ground = doc.createElementNS(SVG, "rect");
      ground.setAttribute("width", 8);
      ground.setAttribute("height", 8);
      ground.setAttribute("class", "tf-hatch-ground");
      const lines = doc.createElementNS(SVG, "path");
      lines.setAttribute("d", d);
      lines.setAttribute("class", `tf-hatch-lines tf-hatch-lines-${name}`);
      pattern.append(ground, lines);
      svg.append(pattern);
    }
    doc.body.append(svg);
  }

  /** A mark of the hideout, read from its compact form: [style, label, ...hover], texts by number. */
  function markOf(hideout, code) {
    const packed = (hideout.marks || {})[code];
    if (!packed) return { style: hideout.rest || "not_reported", label: "", hover: hideout.rest_hover || [] };
    const [style, ...texts] = packed;
    const [label, ...hover] = texts.map((n) => hideout.texts[n]);
    return { style: hideout.styles[style], label, hover };
  }

  function nameOf(feature, hideout) {
    return hideout.lang === "en" ? feature.properties.en : feature.properties.zh;
  }

  function style(feature, context) {
    const hideout = context.hideout || {};
    const mark = markOf(hideout, feature.properties.code);
    return { weight: 1, className: `tf-area tf-area-${feature.properties.level} tf-fill-${mark.style}` };
  }

  function onEachFeature(feature, layer, context) {
    const state = stateOf(context.map);
    const hideout = context.hideout || {};
    const code = feature.properties.code;
    const mark = markOf(hideout, code);
    const name = nameOf(feature, hideout);
    state.setProps = context.setProps;
    state.selected = hideout.selected || null;
    state.lang = hideout.lang;
    layer.bindTooltip(tip(name, mark.hover), {
      sticky: true, className: "tf-map-tip", direction: "auto", opacity: 1,
    });
    layer.tfClosed = mark.style === "out_of_scope";
    layer.on("click", () => send(state, layer));
    layer.on("mouseover", () => {
      const focused = state.layers.get(state.current);
      if (focused && focused !== layer) focused.closeTooltip();
      ring(state, "hover", layer);
    });
    layer.on("mouseout", () => ring(state, "hover", null));
    layer.on("add", () => {
      state.layers.set(code, layer);
      const path = layer.getElement();
      path.setAttribute("role", "button");
      path.setAttribute("tabindex", "-1");
      path.setAttribute("aria-label", [name, ...mark.hover].join(", "));
      if (code === state.selected) path.setAttribute("aria-current", "true");
      if (layer.tfClosed) path.setAttribute("aria-disabled", "true");
      path.dataset.code = code;
      path.addEventListener("focus", () => onFocus(state, layer));
      path.addEventListener("blur", () => onBlur(state, layer));
      addLabel(state, layer, name, mark);
      schedule(state, context.url);
    });
    layer.on("remove", () => {
      if (state.layers.get(code) !== layer) return;
      state.layers.delete(code);
      const label = state.labels.get(code);
      if (label) label.marker.remove();
      state.labels.delete(code);
      // The blur came from this very removal, by a redraw: the focus is to come back.
      if (state.blurred === layer) state.hasFocus = true;
    });
  }

  function tip(name, lines) {
    const box = document.createElement("div");
    const title = document.createElement("strong");
    title.textContent = name;
    box.append(title);
    for (const text of lines) {
      const line = document.createElement("div");
      line.textContent = text;
      box.append(line);
    }
    return box;
  }

  function addLabel(state, layer, name, mark) {
    const box = document.createElement("div");
    box.className = "tf-map-label";
    box.setAttribute("aria-hidden", "true"); // the shape itself carries name and words
    const nameBox = document.createElement("span");
    nameBox.className = "tf-map-label-name";
    nameBox.textContent = name;
    const textBox = document.createElement("span");
    textBox.className = "tf-map-label-mark";
    textBox.textContent = mark.label;
    box.append(nameBox, textBox);
    const [lng, lat] = layer.feature.properties.centroid;
    const icon = window.L.divIcon({ html: box, className: "tf-map-anchor", iconSize: [0, 0] });
    const marker = window.L.marker([lat, lng], { icon, interactive: false, keyboard: false });
    marker.addTo(state.map);
    state.labels.set(layer.feature.properties.code, {
      marker, box, nameBox, textBox, text: mark.label, style: mark.style,
    });
  }

  /** Once per drawing, after the last shape: fit a new set of shapes, place labels, give focus back. */
  function schedule(state, url) {
    if (state.pending) return;
    state.pending = requestAnimationFrame(() => {
      state.pending = 0;
      const fresh = state.url !== url;
      state.url = url;
      if (fresh) {
        ring(state, "hover", null);
        fit(state);
      }
      if (!state.layers.has(state.current)) {
        // Going up lands on the area one came from.
        const wanted = [state.cameFrom, state.selected].find((code) => state.layers.has(code));
        state.current = wanted || first(state);
      }
      const shown = state.layers.get(state.current);
      if (shown) state.cameFrom = shown.feature.properties.parent;
      if (shown) {
        shown.getElement().setAttribute("tabindex", "0");
        if (state.hasFocus) shown.getElement().focus({ preventScroll: true });
      }
      arrange(state);
    });
  }

  function first(state) {
    return state.layers.keys().next().value || null;
  }

  function fit(state) {
    const bounds = [...state.layers.values()].map((layer) => layer.getBounds());
    if (!bounds.length || !state.map.getSize().x) return;
    const all = bounds.reduce((whole, one) => whole.extend(one), window.L.latLngBounds(bounds[0]));
    state.map.fitBounds(all, { padding: [PAD, PAD], animate: false });
    state.fitZoom = state.map.getZoom();
    allowDrag(state);
  }

  /** Show each label in full, without its name, or not at all: as it fits its area and beside the others. */
  function arrange(state) {
    refreshRings(state);
    const items = [];
    for (const [code, label] of state.labels) {
      const layer = state.layers.get(code);
      if (!layer || !layer.getElement()) continue;
      label.box.className = "tf-map-label";
      items.push({ label, shape: layer.getElement().getBBox() });
    }
    for (const item of items) {
      const { nameBox, textBox, marker } = item.label;
      item.at = state.map.latLngToLayerPoint(marker.getLatLng());
      item.name = [nameBox.offsetWidth, nameBox.offsetHeight];
      item.mark = item.label.text ? [textBox.offsetWidth, textBox.offsetHeight] : [0, 0];
    }
    // The areas that matter most speak first: the worst level, the darkest step; then the larger ones.
    const weight = (item) => ({ high: 8, medium: 7 })[item.label.style] || Math.abs(parseInt(item.label.style.replace(/\D/g, ""), 10)) || 0;
    const rank = (item) => weight(item) * 1e9 + item.shape.width * item.shape.height;
    items.sort((a, b) => rank(b) - rank(a));
    // Figures first, the worst before the others; then names wherever room is left.
    for (const item of items) {
      if (item.label.text && fits(item.mark, item, items, weight(item) >= 3 ? 12 : 1.6)) item.box = around(item.at, item.mark);
    }
    for (const item of items) {
      const full = [Math.max(item.name[0], item.mark[0]), item.name[1] + item.mark[1]];
      const named = (item.box || !item.label.text) && fits(full, item, items, 1.1);
      if (named) item.box = around(item.at, full);
      item.label.box.className = `tf-map-label ${named ? "" : item.box ? "tf-no-name" : "tf-no-label"}`;
    }
  }

  function around(at, [width, height]) {
    return [at.x - width / 2, at.y - height / 2, at.x + width / 2, at.y + height / 2];
  }

  function fits(size, item, items, slack) {
    if (size[0] > item.shape.width * slack || size[1] > item.shape.height * slack) return false;
    const [w, n, e, s] = around(item.at, size);
    return items.every(({ box }) => !box || box === item.box || e < box[0] || w > box[2] || s < box[1] || n > box[3]);
  }

  /** Outlines lie above all shapes; raising the shape itself would drop its keyboard focus. */
  function ring(state, kind, layer) {
    const path = layer && layer.getElement();
    let line = state.rings[kind];
    if (!path) {
      if (line) line.remove();
      delete state.rings[kind];
      return;
    }
    if (!line) {
      line = document.createElementNS(SVG, "path");
      line.setAttribute("class", `tf-ring tf-ring-${kind}`);
      state.rings[kind] = line;
    }
    line.dataset.code = layer.feature.properties.code;
    line.setAttribute("d", path.getAttribute("d"));
    path.parentNode.append(line);
  }

  function refreshRings(state) {
    ring(state, "selected", state.layers.get(state.selected) || null);
    ring(state, "focus", (state.hasFocus && state.layers.get(state.current)) || null);
    const hover = state.rings.hover;
    if (hover) ring(state, "hover", state.layers.get(hover.dataset.code) || null);
  }

  function onFocus(state, layer) {
    const before = state.layers.get(state.current);
    if (before && before.getElement()) before.getElement().setAttribute("tabindex", "-1");
    state.current = layer.feature.properties.code;
    state.hasFocus = true;
    layer.getElement().setAttribute("tabindex", "0");
    if (layer.getElement().matches(":focus-visible")) {
      ring(state, "focus", layer);
      const [lng, lat] = layer.feature.properties.centroid;
      layer.openTooltip([lat, lng]);
    }
  }

  function onBlur(state, layer) {
    layer.closeTooltip();
    ring(state, "focus", null);
    state.hasFocus = false;
    state.blurred = layer;
    setTimeout(() => { state.blurred = null; }, 0);
  }

  function onKey(state, event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const layer = event.target.dataset && state.layers.get(event.target.dataset.code);
    if (event.key === "Escape") {
      push(state, { up: true });
    } else if (layer && (event.key === "Enter" || event.key === " ")) {
      send(state, layer);
    } else if (layer && ARROWS[event.key]) {
      const next = nearest(state, layer, ARROWS[event.key]);
      if (next) next.getElement().focus({ preventScroll: true });
    } else if (event.key === "+" || event.key === "=") {
      state.map.zoomIn();
    } else if (event.key === "-") {
      state.map.zoomOut();
    } else {
      return;
    }
    event.preventDefault();
  }

  function nearest(state, from, [dx, dy]) {
    const start = pointOf(state, from);
    let best = null;
    let least = Infinity;
    for (const layer of state.layers.values()) {
      const at = pointOf(state, layer);
      const along = (at.x - start.x) * dx + (at.y - start.y) * dy;
      const aside = Math.abs((at.x - start.x) * dy) + Math.abs((at.y - start.y) * dx);
      // Within about 63 degrees of the arrow, straight ahead preferred.
      if (layer === from || along <= 0 || aside > along * 2) continue;
      const cost = along + aside * 2;
      if (cost < least) [best, least] = [layer, cost];
    }
    return best;
  }

  function pointOf(state, layer) {
    const [lng, lat] = layer.feature.properties.centroid;
    return state.map.latLngToLayerPoint([lat, lng]);
  }

  function send(state, layer) {
    if (layer.tfClosed) return;
    const { code, zh, en, level } = layer.feature.properties;
    const box = layer.getBounds();
    const corner = (point) => [Number(point.lat.toFixed(4)), Number(point.lng.toFixed(4))];
    const bounds = [corner(box.getSouthWest()), corner(box.getNorthEast())];
    push(state, { code, name: state.lang === "en" ? en : zh, level, bounds });
  }

  function push(state, data) {
    sent += 1;
    if (state.setProps) state.setProps({ clickData: { ...data, n: sent } });
  }

  window.tianfu = window.tianfu || {};
  window.tianfu.map = { style, onEachFeature };
})();
