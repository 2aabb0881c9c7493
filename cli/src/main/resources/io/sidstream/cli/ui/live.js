'use strict';
/* What is live: the report's views are drawn anew when the server has something new, and it is asked for the rest. */
(() => {
  const { $, el, number, percent, token, label, items, table } = sidstreamDom;
  const EVERY = 3000;

  /** JSON of the server; null for 'nothing new'. An error says what the server says. */
  const ask = async (path, values) => {
    const query = new URLSearchParams();
    Object.entries(values).forEach(([name, value]) => [].concat(value).forEach((v) => query.append(name, v)));
    let response;
    try {
      response = await fetch('api/' + path + '?' + query);
    } catch (e) {
      throw new Error('The server of this page does not answer; is it still running?');
    }
    if (response.status === 204) return null;
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    return answer;
  };

  const page = sidstreamPage({
    search: (text) => ask('search', { q: text }),
    open: (row) => ask('item', { id: row.id }),
  });

  // Kept up to date.
  const status = el('p', 'Reading …');
  status.id = 'live';
  status.setAttribute('role', 'status');
  $('source').after(status);
  const say = (text, wrong) => {
    // A screen reader says it again when it is set again.
    if (status.textContent !== text) status.textContent = text;
    status.className = wrong ? 'wrong' : 'muted';
  };
  let stamp = '0';
  let rows = '0';
  const look = async () => {
    try {
      if (!document.hidden) {
        const report = await ask('report', { stamp, table: rows });
        if (report && report.data) {
          stamp = report.stamp;
          rows = report.table;
          page.show(report.data);
        }
        if (report) say(report.note || (report.data ? 'Kept up to date' : 'Reading the topics …'), report.note !== '');
        else if (status.className === 'wrong') stamp = '0';
      }
    } catch (e) {
      say(e.message, true);
    }
    setTimeout(look, EVERY);
  };
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && status.className === 'muted') say('Kept up to date', false);
  });

  /** Rows that open in the list of items, where their neighbours are shown. */
  const opening = (list) => {
    list.addEventListener('click', (e) => {
      if (e.target.closest('button.row')) $('tree').scrollIntoView();
    });
    return list;
  };
  const rowsOf = (list) => opening(page.rowList(list));
  const action = (text, act) => {
    const b = el('button', text, 'act');
    b.type = 'button';
    b.addEventListener('click', act);
    return b;
  };

  // Try a text.
  const showToken = (answer, text) => {
    const box = $('try-answer');
    const last = answer.codes.length - 1;
    const given = answer.codes.join('-') + (answer.suffix ? '+' + answer.suffix : '');
    box.replaceChildren(el('p', given, 'big'));
    let say = 'Token version ' + answer.version + ', text model ' + answer.model + '. ';
    if (!answer.holder) {
      say += 'No item has it yet.';
    } else {
      say += 'The quantizer chooses ' + answer.nearest.join('-') + ', which ' + label(answer.holder) + ' has: '
        + (answer.suffix ? 'no last code of the prefix is free, so a suffix is added.'
          : 'another item would get the nearest free last code, ' + answer.codes[last] + '.');
    }
    box.append(el('p', say));
    box.append(table(['Level', 'Codeword', 'Distance', 'Margin'],
      answer.nearest.map((code, l) => [l + 1, code, answer.distances[l].toFixed(4), answer.margins[l].toFixed(4)]),
      'Codeword of each level'));
    const acts = el('div', null, 'acts');
    acts.append(action('Decode it step by step', () => {
      document.querySelector('#decode-form [value=text]').click();
      $('decode-text').value = text;
      $('decode').scrollIntoView();
      begin();
    }));
    box.append(acts);
    answer.prefixes.forEach((near) => {
      box.append(el('h3', near.prefix.join('-') + ': ' + items(near.count)));
      box.append(rowsOf(near.rows));
    });
  };
  let tried = 0;
  $('try-form').addEventListener('submit', async (e) => {
    e.preventDefault();
    const mine = ++tried;
    const text = $('try-text').value;
    $('try-answer').replaceChildren(el('p', 'Asking for its token …', 'muted'));
    try {
      const answer = await ask('text', { text });
      if (mine === tried) showToken(answer, text);
    } catch (error) {
      if (mine === tried) $('try-answer').replaceChildren(el('p', error.message, 'wrong'));
    }
  });

  // Decode.
  let from = null;
  let path = [];
  let stepping = 0;
  const step = async (codes) => {
    const mine = ++stepping;
    const box = $('decode-answer');
    let answer;
    try {
      answer = await ask('step', { ...from, prefix: codes.join('-') });
    } catch (error) {
      if (mine === stepping) {
        const wrong = el('p', error.message, 'wrong');
        wrong.setAttribute('role', 'alert');
        box.replaceChildren(wrong);
      }
      return;
    }
    if (mine !== stepping) return;
    path = codes;
    const trail = el('ol', null, 'path');
    trail.setAttribute('aria-label', 'Codes so far');
    for (let l = 0; l <= codes.length; l++) {
      const li = el('li');
      li.append(action(l === 0 ? 'begin' : String(codes[l - 1]), () => step(codes.slice(0, l))));
      trail.append(li);
    }
    const whole = codes.length === answer.levels;
    const head = el('h3', whole ? 'Token ' + codes.join('-')
      : 'Level ' + (codes.length + 1) + ' of ' + answer.levels + ': ' + number(answer.count)
        + (answer.codewords ? ' of ' + number(answer.codewords) : '') + ' codes can follow');
    head.tabIndex = -1;
    box.replaceChildren(trail, head);
    if (whole) box.append(rowsOf(answer.items));
    else showChoices(box, answer, codes);
    // Who came here by a key goes on from here.
    head.focus({ preventScroll: true });
  };
  const showChoices = (box, answer, codes) => {
    const ranked = from.item !== undefined;
    let say = ranked ? 'Recommender of revision ' + answer.revision + ', token version ' + answer.version + '.'
      : 'Token version ' + answer.version + '.';
    if (answer.unrestricted >= 0) {
      say += answer.choices.length && answer.choices[0].code === answer.unrestricted
        ? ' Without the restriction it would be ' + answer.unrestricted + ', too.'
        : ' Without the restriction it would be ' + answer.unrestricted + ', which no item has behind this prefix.';
    }
    if (answer.count > answer.choices.length) say += ' The best ' + answer.choices.length + ' are shown.';
    box.append(el('p', say));
    const most = Math.max(...answer.choices.map((c) => c.value), 1e-9);
    const list = table(['Code', ranked ? 'Share' : 'Distance', 'Items', ranked ? 'The likeliest' : 'Such as'],
      answer.choices.map((choice, i) => {
        const take = action(String(choice.code), () => step([...codes, choice.code]));
        take.setAttribute('aria-label', 'Take code ' + choice.code + (i === 0 ? ', the best' : ''));
        const value = el('span');
        if (ranked) {
          const bar = el('span', null, 'bar');
          bar.style.width = Math.round(60 * choice.value / most) + 'px';
          value.append(bar, percent(choice.value, 2));
        } else {
          value.append(choice.value.toFixed(4));
        }
        return [take, value, number(choice.items), choice.example ? label(choice.example) : ''];
      }), 'Codes that can follow');
    if (answer.choices.length) list.querySelectorAll('tr')[1].className = 'best';
    box.append(list);
  };
  const begin = () => {
    const text = $('decode-text').value;
    if (document.querySelector('#decode-form [name=from]:checked').value === 'text') {
      from = { text };
    } else {
      from = { item: text.split('\n').map((line) => line.trim()).filter((line) => line) };
    }
    step([]);
  };
  $('decode-form').addEventListener('submit', (e) => {
    e.preventDefault();
    begin();
  });
  $('decode-form').addEventListener('change', (e) => {
    if (e.target.name === 'from') {
      $('decode-label').textContent = e.target.value === 'text' ? 'Text of an item' : 'Identifiers, one a line, oldest first';
    }
  });

  look();
})();
