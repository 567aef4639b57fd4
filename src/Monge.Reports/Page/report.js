(() => {
  'use strict';
  const figures = JSON.parse(document.getElementById('figures').textContent);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const config = { displaylogo: false, displayModeBar: 'hover', responsive: false, modeBarButtonsToRemove: ['select2d', 'lasso2d', 'autoScale2d'] };
  const drawn = new Map();

  // The words for colours stand for the style sheet's, which change with the ground.
  const style = () => getComputedStyle(document.documentElement);
  function color(word, sheet) {
    const [name, opacity] = word.slice(1).split('/');
    const value = sheet.getPropertyValue('--' + name).trim();
    if (opacity === undefined) return value;
    const [r, g, b] = [1, 3, 5].map(i => parseInt(value.slice(i, i + 2), 16));
    return `rgba(${r},${g},${b},${opacity})`;
  }
  function painted(node, sheet, key) {
    if (Array.isArray(node)) return node.map(n => (n !== null && typeof n === 'object' ? painted(n, sheet) : n));
    if (node !== null && typeof node === 'object') {
      return Object.fromEntries(Object.entries(node).map(([k, v]) => [k, painted(v, sheet, k)]));
    }
    return typeof node === 'string' && node[0] === '$' && key.endsWith('color') ? color(node, sheet) : node;
  }

  // A matrix scrolls where there is no room for it, and doesn't grow beyond what the eye needs.
  function widthOf(element) {
    const figure = figures[element.dataset.figure];
    return Math.min(Math.max(element.parentElement.clientWidth, figure.least), figure.most ?? Infinity);
  }
  // On narrow screens names that would take the place of the picture are cut (pointing at a mark tells the whole), and long titles take two lines.
  function fitted(layout, width) {
    if (width >= 600) return layout;
    for (const axis of [layout.xaxis, layout.yaxis]) {
      if (axis?.ticktext) axis.ticktext = axis.ticktext.map(t => (t.length > 22 ? t.slice(0, 21) + '…' : t));
    }
    const title = layout.xaxis?.title;
    if (title?.text.length > 20) {
      const words = title.text.split(' '), half = title.text.length / 2;
      let length = 0, at = 0;
      while (at < words.length - 1 && length < half) length += words[at++].length + 1;
      title.text = words.slice(0, at).join(' ') + '<br>' + words.slice(at).join(' ');
    }
    return layout;
  }

  function draw(element) {
    const figure = figures[element.dataset.figure];
    const sheet = style();
    const width = widthOf(element);
    const height = figure.height ?? Math.min(Math.max(width * figure.aspect, 220), 1000);
    const step = figure.frames[element.dataset.step ?? 0];
    const data = painted(step ? figure.data.concat(step.data) : figure.data, sheet);
    const layout = fitted(Object.assign(painted(figure.layout, sheet), { width, height }), width);
    drawn.set(element, width);
    return Plotly.react(element, data, layout, config);
  }

  const elements = [...document.querySelectorAll('[data-figure]')];
  for (const slider of document.querySelectorAll('.slider input')) {
    const element = document.getElementById(slider.dataset.plot);
    slider.addEventListener('input', () => {
      element.dataset.step = slider.value;
      slider.parentElement.querySelector('output').value = figures[element.dataset.figure].frames[slider.value].label;
      draw(element);
    });
  }
  const all = Promise.all(elements.map(draw)).then(() => { document.documentElement.dataset.drawn = elements.length; });
  dark.addEventListener('change', () => elements.forEach(draw));
  addEventListener('resize', () => {
    for (const element of elements) {
      if (widthOf(element) !== drawn.get(element)) draw(element);
    }
  });
  window.reportDrawn = all;
})();
