'use strict';
/*
 * What a report shows, and the live page too: sidstreamPage(source) gives a page, page.show(data) draws it, as often as
 * there is something new. Where items are searched and opened is the source's: in the page's own data, or at a server.
 */

/** Elements by text alone: what items are called is nobody's HTML. */
const sidstreamDom = {
  $: (id) => document.getElementById(id),
  el: (tag, text, cls) => {
    const e = document.createElement(tag);
    if (text !== undefined && text !== null) e.textContent = text;
    if (cls) e.className = cls;
    return e;
  },
  number: (n) => n.toLocaleString('en-US'),
  percent: (x, digits = 1) => (x === null || x === undefined ? '–' : (100 * x).toFixed(digits) + ' %'),
  token: (row) => row.codes.join('-') + (row.suffix ? '+' + row.suffix : ''),
  label: (row) => row.title || row.id,
  items: (n, other) => sidstreamDom.number(n) + (other ? ' other' : '') + (n === 1 ? ' item' : ' items'),
  table: (heads, rows, name) => {
    const { el } = sidstreamDom;
    const table = el('table');
    const line = (tag, cells) => {
      const tr = el('tr');
      cells.forEach((cell) => {
        const td = el(tag);
        td.append(cell instanceof Node ? cell : String(cell));
        if (tag === 'th') td.scope = 'col';
        tr.append(td);
      });
      return tr;
    };
    table.append(line('th', heads), ...rows.map((cells) => line('td', cells)));
    const scroll = el('div', null, 'scroll');
    // A table that is wider than a phone is scrolled by keys, too.
    scroll.tabIndex = 0;
    scroll.setAttribute('role', 'region');
    scroll.setAttribute('aria-label', name);
    scroll.append(table);
    return scroll;
  },
};

/** Searches and opens in the data that the page has itself. */
const sidstreamOwnItems = (data) => ({
  search: async (text, most) => {
    const wanted = text.toLowerCase();
    const isToken = /^\d+(-\d+)*-?$/.test(wanted);
    const prefix = wanted.replace(/-$/, '').split('-').map(Number);
    const hits = data.rows.filter((row) =>
      row.id.toLowerCase().includes(wanted) || row.title.toLowerCase().includes(wanted)
        || (isToken && prefix.every((code, l) => row.codes[l] === code)));
    return { count: hits.length, rows: hits.slice(0, most) };
  },
  open: async (row) => {
    const prefixes = [];
    for (let depth = row.codes.length - 1; depth >= 1; depth--) {
      const near = data.rows.filter((other) => other !== row
        && row.codes.slice(0, depth).every((code, l) => other.codes[l] === code));
      prefixes.push({ prefix: row.codes.slice(0, depth), count: near.length, rows: near.slice(0, 8) });
    }
    return { row, prefixes, levels: [] };
  },
});

const sidstreamPage = (source) => {
  const { $, el, number, percent, token, label, items, table } = sidstreamDom;
  const MOST = 200;
  let data = null;

  // Facts.
  const showFacts = () => {
    $('source').textContent = data.source + ', read ' + data.made.slice(0, 19).replace('T', ' ') + ' UTC';
    const ranked = data.revisions.filter((r) => r.model !== null);
    const last = ranked[ranked.length - 1];
    const commit = data.versions[data.versions.length - 1];
    const dead = Object.values(data.deadLetters).reduce((a, b) => a + b, 0);
    const facts = [
      ['Token version', data.version],
      ['Items with a token', number(data.items)],
      ['Revisions', number(data.revisions.length)],
      ['HR@10, newest', last ? last.model.toFixed(3) : 'not ranked yet'],
      ['Alone in their tuple', commit ? percent(commit.uniqueTuples) : '–'],
      ['Churn, newest', commit && commit.old > 0 ? percent(commit.moved / commit.old, 2) : 'first version'],
      ['Held back', data.holds.length],
      ['Dead letters', number(dead)],
    ];
    $('facts').replaceChildren(...facts.map(([name, value]) => {
      const box = el('div');
      box.append(el('dt', name), el('dd', value));
      return box;
    }));
  };

  // Tree: nodes by prefix, made when they are opened.
  const prefixEnd = (from, to, depth, code) => {
    let end = from;
    while (end < to && data.rows[end].codes[depth] === code) end++;
    return end;
  };
  const rowButton = (row) => {
    const li = el('li');
    const b = el('button', null, 'row');
    b.type = 'button';
    b.dataset.key = row.id;
    b.append(el('span', token(row), 'code'), ' ', label(row));
    b.addEventListener('click', () => openItem(row));
    li.append(b);
    return li;
  };
  const rowList = (rows) => {
    const ul = el('ul');
    rows.forEach((row) => ul.append(rowButton(row)));
    return ul;
  };
  const fill = (into, from, to, depth, open) => {
    const levels = data.levels.length;
    if (depth === levels - 1 || to - from === 1) {
      into.append(rowList(data.rows.slice(from, to)));
      return;
    }
    for (let at = from; at < to; ) {
      const code = data.rows[at].codes[depth];
      const end = prefixEnd(at, to, depth, code);
      const node = el('details');
      const start = at;
      const head = el('summary');
      const prefix = data.rows[at].codes.slice(0, depth + 1).join('-');
      node.dataset.prefix = prefix;
      head.append(el('span', prefix, 'code'), ' ' + items(end - at) + ', such as ' + label(data.rows[at]));
      node.append(head);
      const open1 = () => fill(node, start, end, depth + 1, open);
      node.addEventListener('toggle', () => {
        if (node.open && node.childElementCount === 1) open1();
      });
      if (open.has(prefix)) {
        open1();
        node.open = true;
      }
      into.append(node);
      at = end;
    }
  };
  /** The tree anew, with what was open, where it was scrolled to, and what had the focus. */
  const browse = () => {
    const box = $('browse');
    const open = new Set([...box.querySelectorAll('details[open]')].map((node) => node.dataset.prefix));
    const top = box.scrollTop;
    const active = box.contains(document.activeElement) ? document.activeElement : null;
    const key = active && (active.dataset.key || active.parentElement.dataset.prefix);
    box.replaceChildren();
    if (data.rows.length) fill(box, 0, data.rows.length, 0, open);
    else box.append(el('p', 'No item has a token yet.', 'muted'));
    box.scrollTop = top;
    if (key) {
      const again = [...box.querySelectorAll('button, details')].find((e) => (e.dataset.key || e.dataset.prefix) === key);
      if (again) (again.tagName === 'DETAILS' ? again.firstChild : again).focus({ preventScroll: true });
    }
    $('found').textContent = data.shown < data.items
      ? number(data.shown) + ' of ' + number(data.items) + ' items are on this page, an even sample'
      : '';
  };
  let asked = 0;
  const search = async (text) => {
    const mine = ++asked;
    const wanted = text.trim();
    if (!wanted) {
      browse();
      return;
    }
    let found;
    try {
      found = await source.search(wanted, MOST);
    } catch (e) {
      if (mine === asked) $('found').textContent = e.message;
      return;
    }
    // What was asked for meanwhile is what counts.
    if (mine !== asked) return;
    $('browse').replaceChildren(rowList(found.rows));
    $('found').textContent = items(found.count)
      + (found.count > found.rows.length ? ', the first ' + found.rows.length + ' are shown' : '');
  };
  let typing;
  $('search').addEventListener('input', (e) => {
    clearTimeout(typing);
    typing = setTimeout(() => search(e.target.value), 120);
  });

  // An item.
  let opening = 0;
  const openItem = async (row) => {
    const mine = ++opening;
    const box = $('item');
    let item;
    try {
      item = await source.open(row);
    } catch (e) {
      if (mine === opening) box.replaceChildren(el('p', e.message, 'wrong'));
      return;
    }
    if (mine !== opening) return;
    const shown = item.row;
    box.replaceChildren(el('h3', label(shown)));
    const facts = el('p');
    facts.append(el('span', token(shown), 'code'), ' ' + shown.id);
    box.append(facts);
    box.append(el('p', 'Smallest margin ' + shown.margin.toFixed(4)
      + (shown.moved ? '; its token changed with version ' + data.version : ''), 'muted'));
    item.levels.forEach((level, l) => {
      box.append(el('p', 'Level ' + (l + 1) + ': codeword ' + level.code + ' at ' + level.distance.toFixed(4)
        + ', the next ' + level.margin.toFixed(4) + ' further'
        + (level.near.length ? '; nearest to it ' + level.near.map((n) => n.code + ' (' + n.distance.toFixed(3) + ')').join(', ') : ''),
      'level'));
    });
    item.prefixes.forEach((near) => {
      box.append(el('h3', near.prefix.join('-') + ': ' + items(near.count, true)));
      box.append(rowList(near.rows));
    });
    box.scrollTop = 0;
  };

  // Gate.
  const showGate = () => {
    $('held-list').replaceChildren(data.holds.length === 0
      ? el('p', 'Nothing was held back.', 'muted')
      : table(['Version', 'Revision', 'Time', 'Reason'],
        data.holds.map((hold) => [hold.version, hold.revision, hold.time.slice(0, 19).replace('T', ' '), hold.reason]),
        'Candidates that the gate held back'));
  };

  // Items at the edge.
  const showEdge = () => {
    const edge = el('ul');
    [...data.rows].sort((a, b) => a.margin - b.margin).slice(0, 12).forEach((row) => {
      const li = rowButton(row);
      li.firstChild.append(' (' + row.margin.toFixed(4) + ')');
      li.firstChild.addEventListener('click', () => $('tree').scrollIntoView());
      edge.append(li);
    });
    $('edge').replaceChildren(edge);
  };

  // Charts: by place, so that what is new is drawn where the old was.
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const charts = new Map();
  const forget = (place) => {
    const old = charts.get(place);
    if (old && old.drawn) old.drawn.dispose();
    charts.delete(place);
    place.removeAttribute('role');
    place.removeAttribute('aria-label');
    place.className = '';
    place.style.height = '';
  };
  /** A chart at a place, or, without one, what there is to say instead. */
  const chart = (place, name, cls, make) => {
    if (!make) {
      forget(place);
      place.replaceChildren(el('p', name, 'muted'));
      return;
    }
    if (!charts.has(place)) {
      place.replaceChildren();
      place.className = cls;
      charts.set(place, { make, drawn: null });
    }
    place.setAttribute('role', 'img');
    place.setAttribute('aria-label', name);
    charts.get(place).make = make;
  };
  /** One place with a heading for each level. */
  const places = (parent, count) => {
    if (parent.childElementCount !== 2 * count) {
      [...parent.querySelectorAll('div')].forEach(forget);
      parent.replaceChildren();
      for (let l = 0; l < count; l++) parent.append(el('h3'), el('div'));
    }
    return [...Array(count).keys()].map((l) => [parent.children[2 * l], parent.children[2 * l + 1]]);
  };
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axis = () => ({
    axisLine: { lineStyle: { color: css('--muted') } }, axisLabel: { color: css('--muted') },
    nameTextStyle: { color: css('--muted') }, splitLine: { lineStyle: { color: css('--line') } },
  });
  const base = () => ({
    animation: false, textStyle: { fontFamily: 'system-ui, sans-serif', color: css('--ink') },
    grid: { left: 48, right: 16, top: 40, bottom: 48 },
    legend: { top: 0, type: 'scroll', textStyle: { color: css('--ink') }, pageTextStyle: { color: css('--ink') } },
    tooltip: { backgroundColor: css('--panel'), borderColor: css('--line'), textStyle: { color: css('--ink') }, confine: true },
  });
  const colours = () => (dark.matches
    ? ['#8ab8ff', '#ffb366', '#7fd9a8', '#e69aff', '#f2dd6e', '#ff9a9a']
    : ['#1f5fbf', '#b4560a', '#1b7f4e', '#8a2fb0', '#7a6500', '#b3261e']);

  const chartUse = () => {
    const all = places($('use-charts'), data.levels.length);
    data.levels.forEach((level, l) => {
      const used = level.use.filter((n) => n > 0).length;
      const [heading, node] = all[l];
      heading.textContent = 'Level ' + (l + 1) + (level.metric ? ', ' + level.metric : '') + ': '
        + number(used) + ' of ' + number(level.use.length) + ' codewords in use';
      chart(node, 'Heat map of how many items use each of ' + level.use.length + ' codewords of level ' + (l + 1), 'chart', () => {
        const wide = node.clientWidth < 600 ? 16 : 32;
        const width = Math.min(wide, level.use.length);
        const height = Math.ceil(level.use.length / width);
        node.style.height = Math.max(120, 70 + 18 * height) + 'px';
        return {
          ...base(), legend: undefined, grid: { left: 40, right: 8, top: 8, bottom: 56 },
          xAxis: { type: 'category', data: [...Array(width).keys()], ...axis(), axisTick: { show: false } },
          yAxis: { type: 'category', data: [...Array(height).keys()].map((y) => y * width), inverse: true, ...axis(), axisTick: { show: false } },
          visualMap: { min: 0, max: Math.max(1, ...level.use), orient: 'horizontal', left: 'center', bottom: 0, itemHeight: 90,
            textStyle: { color: css('--ink') }, text: [number(Math.max(...level.use)), '0'],
            inRange: { color: dark.matches ? ['#1a2029', '#2f5f9e', '#a9d0ff'] : ['#eef2f9', '#7fa8dc', '#123a78'] } },
          tooltip: { ...base().tooltip, formatter: (p) => 'code ' + (p.value[1] * width + p.value[0]) + ': ' + number(p.value[2]) + ' items' },
          series: [{ type: 'heatmap', data: level.use.map((n, k) => [k % width, Math.floor(k / width), n]),
            itemStyle: { borderColor: css('--paper'), borderWidth: 1 } }],
        };
      });
    });
  };

  const chartMap = () => {
    const mapped = data.rows.filter((row) => row.xy);
    if (!mapped.length) {
      chart($('map-chart'), 'The codebooks of this version are not on the models topic.');
      return;
    }
    chart($('map-chart'), 'Map of ' + mapped.length + ' items coloured by their first code', 'chart tall', () => ({
      ...base(), legend: undefined, grid: { left: 16, right: 16, top: 16, bottom: 16 },
      xAxis: { type: 'value', scale: true, show: false }, yAxis: { type: 'value', scale: true, show: false },
      tooltip: { ...base().tooltip, formatter: (p) => {
        const row = mapped[p.dataIndex];
        const box = el('span');
        box.textContent = token(row) + ' ' + label(row);
        return box.innerHTML;
      } },
      series: [{ type: 'scatter', symbolSize: 6, data: mapped.map((row) => ({ value: row.xy,
        itemStyle: { opacity: .75, color: 'hsl(' + Math.round(360 * row.codes[0] * 0.381966 % 360) + ', 65%, ' + (dark.matches ? 65 : 42) + '%)' } })) }],
    }));
  };

  const chartQuality = () => {
    const ranked = data.revisions.filter((r) => r.model !== null);
    if (!ranked.length) {
      chart($('quality-chart'), 'No event was ranked yet: only events newer than the model are.');
      return;
    }
    chart($('quality-chart'), 'HR@10 by revision, model, popularity and new items', 'chart', () => {
      const line = (name, key) => ({ name, type: 'line', showSymbol: ranked.length < 40, connectNulls: true,
        data: ranked.map((r) => [r.revision, r[key]]) });
      return {
        ...base(), color: colours(),
        xAxis: { type: 'value', name: 'revision', nameLocation: 'middle', nameGap: 28, min: 'dataMin', max: 'dataMax', ...axis(), minInterval: 1 },
        yAxis: { type: 'value', min: 0, max: 1, ...axis() },
        tooltip: { ...base().tooltip, trigger: 'axis', valueFormatter: (x) => (typeof x === 'number' ? x.toFixed(3) : '–') },
        series: [line('model', 'model'), line('popularity', 'popularity'), line('new items', 'newItems'),
          { ...line('new items, popularity', 'newPopularity'), lineStyle: { type: 'dashed' } }],
      };
    });
  };

  const chartChurn = () => {
    const later = data.versions.filter((v) => v.old > 0);
    if (!later.length) {
      chart($('churn-chart'), data.versions.length ? 'There is one version: nothing has moved.' : 'There is no version yet.');
      return;
    }
    chart($('churn-chart'), 'Share of old items that each version moved', 'chart', () => ({
      ...base(), color: colours(),
      xAxis: { type: 'category', data: later.map((v) => v.version), name: 'version', nameLocation: 'middle', nameGap: 28, ...axis() },
      yAxis: { type: 'value', axisLabel: { formatter: (x) => (100 * x).toFixed(1) + ' %', color: css('--muted') }, splitLine: axis().splitLine },
      tooltip: { ...base().tooltip, trigger: 'axis', valueFormatter: (x) => percent(x, 2) },
      series: [{ name: 'token', type: 'bar', data: later.map((v) => v.moved / v.old) },
        ...data.levels.map((_, l) => ({ name: 'first ' + (l + 1) + (l ? ' codes' : ' code'), type: 'bar',
          data: later.map((v) => (v.changedPrefixes[l] || 0) / v.old) }))],
    }));
  };

  const chartMargins = () => {
    const all = places($('margin-charts'), data.margins.length);
    data.margins.forEach((margins, l) => {
      const [heading, node] = all[l];
      heading.textContent = 'Level ' + (l + 1);
      chart(node, 'Histogram of margins of level ' + (l + 1), 'chart', () => ({
        ...base(), legend: undefined, color: colours(), grid: { left: 56, right: 16, top: 12, bottom: 40 },
        xAxis: { type: 'category', data: margins.counts.map((_, i) => (margins.from + i * margins.width).toPrecision(2)), ...axis() },
        yAxis: { type: 'value', ...axis() },
        tooltip: { ...base().tooltip, trigger: 'axis', formatter: (p) => 'from ' + p[0].name + ': ' + number(p[0].value) + ' items' },
        series: [{ type: 'bar', barCategoryGap: '5%', data: margins.counts }],
      }));
    });
  };

  const draw = (anew) => charts.forEach((c, place) => {
    if (anew && c.drawn) {
      c.drawn.dispose();
      c.drawn = null;
    }
    const option = c.make();
    c.drawn = c.drawn || echarts.init(place, null, { renderer: 'canvas' });
    c.drawn.setOption(option, true);
  });
  dark.addEventListener('change', () => draw(true));
  // Observed rather than told by the window: a phone that is turned, a panel that opens, a print.
  let width = document.body.clientWidth;
  new ResizeObserver(() => {
    if (document.body.clientWidth !== width) {
      width = document.body.clientWidth;
      draw(true);
    }
  }).observe(document.body);

  /** Draws what is new; without rows those of before stay. */
  const show = (next) => {
    const rowsStay = data && !next.rows;
    data = rowsStay ? { ...next, rows: data.rows } : next;
    showFacts();
    if (!rowsStay) {
      if (!$('search').value.trim()) browse();
      showEdge();
      chartMap();
    }
    showGate();
    chartUse();
    chartQuality();
    chartChurn();
    chartMargins();
    draw(false);
  };
  return { show, openItem, rowList };
};
