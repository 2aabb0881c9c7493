'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const $ = (id) => document.getElementById(id);
  const el = (tag, text, cls) => {
    const e = document.createElement(tag);
    if (text !== undefined && text !== null) e.textContent = text;
    if (cls) e.className = cls;
    return e;
  };
  const number = (n) => n.toLocaleString('en-US');
  const percent = (x, digits = 1) => (x === null || x === undefined ? '–' : (100 * x).toFixed(digits) + ' %');
  const token = (row) => row.codes.join('-') + (row.suffix ? '+' + row.suffix : '');
  const label = (row) => row.title || row.id;

  // Facts.
  $('source').textContent = data.source + ', read ' + data.made.slice(0, 16).replace('T', ' ') + ' UTC';
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
  for (const [name, value] of facts) {
    const box = el('div');
    box.append(el('dt', name), el('dd', value));
    $('facts').append(box);
  }

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
    b.append(el('span', token(row), 'code'), ' ', label(row));
    b.addEventListener('click', () => openItem(row));
    li.append(b);
    return li;
  };
  const fill = (into, from, to, depth) => {
    const levels = data.levels.length;
    if (depth === levels - 1 || to - from === 1) {
      const ul = el('ul');
      for (let i = from; i < to; i++) ul.append(rowButton(data.rows[i]));
      into.append(ul);
      return;
    }
    for (let at = from; at < to; ) {
      const code = data.rows[at].codes[depth];
      const end = prefixEnd(at, to, depth, code);
      const node = el('details');
      const start = at;
      const head = el('summary');
      head.append(
        el('span', data.rows[at].codes.slice(0, depth + 1).join('-'), 'code'),
        ' ' + number(end - at) + (end - at === 1 ? ' item' : ' items') + ', such as ' + label(data.rows[at]));
      node.append(head);
      node.addEventListener('toggle', () => {
        if (node.open && node.childElementCount === 1) fill(node, start, end, depth + 1);
      });
      into.append(node);
      at = end;
    }
  };
  const browse = () => {
    $('browse').replaceChildren();
    if (data.rows.length) fill($('browse'), 0, data.rows.length, 0);
    $('found').textContent = data.shown < data.items
      ? number(data.shown) + ' of ' + number(data.items) + ' items are on this page, an even sample'
      : '';
  };
  const search = (text) => {
    const wanted = text.trim().toLowerCase();
    if (!wanted) {
      browse();
      return;
    }
    const isToken = /^\d+(-\d+)*-?$/.test(wanted);
    const prefix = wanted.replace(/-$/, '').split('-').map(Number);
    const hits = data.rows.filter((row) =>
      row.id.toLowerCase().includes(wanted) || row.title.toLowerCase().includes(wanted)
        || (isToken && prefix.every((code, l) => row.codes[l] === code)));
    const ul = el('ul');
    hits.slice(0, 200).forEach((row) => ul.append(rowButton(row)));
    $('browse').replaceChildren(ul);
    $('found').textContent = number(hits.length) + (hits.length === 1 ? ' item' : ' items')
      + (hits.length > 200 ? ', the first 200 are shown' : '');
  };
  let typing;
  $('search').addEventListener('input', (e) => {
    clearTimeout(typing);
    typing = setTimeout(() => search(e.target.value), 120);
  });
  const openItem = (row) => {
    const box = $('item');
    box.replaceChildren(el('h3', row.title || row.id));
    const facts = el('p');
    facts.append(el('span', token(row), 'code'), ' ' + row.id);
    box.append(facts);
    box.append(el('p', 'Smallest margin ' + row.margin.toFixed(4)
      + (row.moved ? '; its token changed with version ' + data.version : ''), 'muted'));
    for (let depth = row.codes.length - 1; depth >= 1; depth--) {
      const near = data.rows.filter((other) => other !== row
        && row.codes.slice(0, depth).every((code, l) => other.codes[l] === code));
      box.append(el('h3', row.codes.slice(0, depth).join('-') + ': ' + number(near.length)
        + (near.length === 1 ? ' other item' : ' other items')));
      const ul = el('ul');
      near.slice(0, 8).forEach((other) => ul.append(rowButton(other)));
      box.append(ul);
    }
    box.scrollTop = 0;
  };
  browse();

  // Gate.
  if (data.holds.length === 0) {
    $('held-list').append(el('p', 'Nothing was held back.', 'muted'));
  } else {
    const table = el('table');
    const head = el('tr');
    ['Version', 'Revision', 'Time', 'Reason'].forEach((name) => {
      const th = el('th', name);
      th.scope = 'col';
      head.append(th);
    });
    table.append(head);
    data.holds.forEach((hold) => {
      const tr = el('tr');
      tr.append(el('td', hold.version), el('td', hold.revision), el('td', hold.time.slice(0, 19).replace('T', ' ')),
        el('td', hold.reason));
      table.append(tr);
    });
    const scroll = el('div', null, 'scroll');
    scroll.append(table);
    $('held-list').append(scroll);
  }

  // Items at the edge.
  const edge = el('ul');
  [...data.rows].sort((a, b) => a.margin - b.margin).slice(0, 12).forEach((row) => {
    const li = rowButton(row);
    li.firstChild.append(' (' + row.margin.toFixed(4) + ')');
    li.firstChild.addEventListener('click', () => $('tree').scrollIntoView());
    edge.append(li);
  });
  $('edge').append(edge);

  // Charts.
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const charts = [];
  const chart = (node, name, make) => {
    node.setAttribute('role', 'img');
    node.setAttribute('aria-label', name);
    charts.push({ node, make, drawn: null });
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

  data.levels.forEach((level, l) => {
    const used = level.use.filter((n) => n > 0).length;
    const h = el('h3', 'Level ' + (l + 1) + (level.metric ? ', ' + level.metric : '') + ': '
      + number(used) + ' of ' + number(level.use.length) + ' codewords in use');
    const node = el('div', null, 'chart');
    $('use-charts').append(h, node);
    chart(node, 'Heat map of how many items use each of ' + level.use.length + ' codewords of level ' + (l + 1), () => {
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

  const mapped = data.rows.filter((row) => row.xy);
  if (mapped.length) {
    chart($('map-chart'), 'Map of ' + mapped.length + ' items coloured by their first code', () => {
      const codes = Math.max(1, data.levels[0].use.length);
      return {
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
      };
    });
  } else {
    $('map').remove();
    document.querySelector('nav a[href="#map"]').remove();
  }

  if (ranked.length) {
    chart($('quality-chart'), 'HR@10 by revision, model, popularity and new items', () => {
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
  } else {
    $('quality-chart').replaceWith(el('p', 'No event was ranked yet: only events newer than the model are.', 'muted'));
  }

  const later = data.versions.filter((v) => v.old > 0);
  if (later.length) {
    chart($('churn-chart'), 'Share of old items that each version moved', () => ({
      ...base(), color: colours(),
      xAxis: { type: 'category', data: later.map((v) => v.version), name: 'version', nameLocation: 'middle', nameGap: 28, ...axis() },
      yAxis: { type: 'value', axisLabel: { formatter: (x) => (100 * x).toFixed(1) + ' %', color: css('--muted') }, splitLine: axis().splitLine },
      tooltip: { ...base().tooltip, trigger: 'axis', valueFormatter: (x) => percent(x, 2) },
      series: [{ name: 'token', type: 'bar', data: later.map((v) => v.moved / v.old) },
        ...data.levels.map((_, l) => ({ name: 'first ' + (l + 1) + (l ? ' codes' : ' code'), type: 'bar',
          data: later.map((v) => (v.changedPrefixes[l] || 0) / v.old) }))],
    }));
  } else {
    $('churn-chart').replaceWith(el('p', 'There is one version: nothing has moved.', 'muted'));
  }

  data.margins.forEach((margins, l) => {
    const node = el('div', null, 'chart');
    $('margin-charts').append(el('h3', 'Level ' + (l + 1)), node);
    chart(node, 'Histogram of margins of level ' + (l + 1), () => ({
      ...base(), legend: undefined, color: colours(), grid: { left: 56, right: 16, top: 12, bottom: 40 },
      xAxis: { type: 'category', data: margins.counts.map((_, i) => (margins.from + i * margins.width).toPrecision(2)), ...axis() },
      yAxis: { type: 'value', ...axis() },
      tooltip: { ...base().tooltip, trigger: 'axis', formatter: (p) => 'from ' + p[0].name + ': ' + number(p[0].value) + ' items' },
      series: [{ type: 'bar', barCategoryGap: '5%', data: margins.counts }],
    }));
  });

  const draw = () => charts.forEach((c) => {
    if (c.drawn) c.drawn.dispose();
    const option = c.make();
    c.drawn = echarts.init(c.node, null, { renderer: 'canvas' });
    c.drawn.setOption(option);
  });
  draw();
  dark.addEventListener('change', draw);
  // Observed rather than told by the window: a phone that is turned, a panel that opens, a print.
  let width = document.body.clientWidth;
  new ResizeObserver(() => {
    if (document.body.clientWidth !== width) {
      width = document.body.clientWidth;
      draw();
    }
  }).observe(document.body);
})();
