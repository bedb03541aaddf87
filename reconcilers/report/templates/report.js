// What the page does beyond being read: sorts its tables, and draws the rows of the long ones.
// Rows come as columns of compressed JSON; what is in them is only ever set as text.
'use strict';

const PAGE = 50, PRINTED = 200;
const LONG = 26; // a code of more letters than an id has breaks
const AMOUNTS = ['count', 'money', 'reporting', 'duration'];

const unpack = async id => {
  const text = document.getElementById(id).textContent.trim();
  const bytes = Uint8Array.fromBase64 ? Uint8Array.fromBase64(text)
    : Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).json();
};

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter(child => child !== null));
  return element;
};

const words = text => String(text).replaceAll('_', ' ');
const grouped = number => number.toLocaleString('en-US');

const duration = seconds => {
  const left = Math.abs(seconds);
  const parts = [[Math.floor(left / 86400), 'd'], [Math.floor(left / 3600) % 24, 'h'],
    [Math.floor(left / 60) % 60, 'min'], [left % 60, 's']];
  const told = parts.filter(([value]) => value).slice(0, 2).map(part => part.join(' '));
  return (seconds < 0 ? '-' : '') + (told.join(' ') || '0 s');
};

// Exact for any amount: minor units are cut as text.
const amount = (minor, currency, exponents) => {
  const exponent = exponents[currency];
  if (exponent === undefined) return `${grouped(minor)} minor units ${currency}`.trim();
  const digits = String(Math.abs(minor)).padStart(exponent + 1, '0');
  const cut = digits.length - exponent;
  const fraction = exponent ? '.' + digits.slice(cut) : '';
  return `${minor < 0 ? '-' : ''}${grouped(Number(digits.slice(0, cut)))}${fraction} ${currency}`;
};

// A column as its values, each once, and their places in it.
const listed = column => {
  if (column.d) return { names: column.d, places: column.i };
  const known = new Map(column.map(value => [value, 0]));
  [...known.keys()].forEach((name, place) => known.set(name, place));
  return { names: [...known.keys()], places: column.map(value => known.get(value)) };
};

class Grid {
  constructor(host, spec, page) {
    Object.assign(this, { host, spec, page, number: 0, size: PAGE, text: '', sort: null });
    this.filter = { ...spec.start };
    this.reads = Object.fromEntries(Object.entries(spec.data).map(([key, column]) =>
      [key, column.d ? index => column.d[column.i[index]] : index => column[index]]));
    this.facets = spec.facets.filter(([key]) => spec.data[key]).map(([key, label]) => ({ key, label, ...listed(spec.data[key]) }));
    this.build();
    this.show();
  }

  read(key, index) { return this.reads[key] ? this.reads[key](index) : ''; }

  // -- what is shown

  // One pass: a row that only one facet leaves out still counts among that facet's choices.
  choose() {
    const { filter, facets } = this;
    const counts = facets.map(({ names }) => new Uint32Array(names.length));
    const asked = Object.entries(filter).map(([key, value]) => {
      const place = facets.findIndex(facet => facet.key === key), facet = facets[place];
      const wanted = facet?.names.findIndex(name => String(name) === value);
      return { place, fits: facet ? index => facet.places[index] === wanted : index => String(this.read(key, index)) === value };
    });
    const needles = this.text.toLowerCase().split(/\s+/).filter(Boolean);
    this.kept = [];
    for (let index = 0; index < this.spec.count; index++) {
      let missed = null, misses = 0;
      for (const each of asked) if (!each.fits(index)) { missed = each.place; misses++; }
      if (misses > 1 || missed === -1) continue;
      if (needles.length && !needles.every(needle => this.haystack(index).includes(needle))) continue;
      if (misses) { counts[missed][facets[missed].places[index]]++; continue; }
      this.kept.push(index);
      for (let place = 0; place < facets.length; place++) counts[place][facets[place].places[index]]++;
    }
    this.counts = Object.fromEntries(facets.map(({ key, names }, place) =>
      [key, new Map(names.map((name, at) => [name, counts[place][at]]).filter(([, count]) => count))]));
    if (this.sort) this.order();
  }

  haystack(index) {
    this.hay ??= [];
    return this.hay[index] ??= Object.keys(this.reads).map(key => this.read(key, index)).join(' ').toLowerCase();
  }

  order() {
    const { key, down } = this.sort, sign = down ? -1 : 1;
    const isMoney = key.endsWith('_minor') && this.reads.impact_reporting_minor;
    const by = isMoney ? 'impact_reporting_minor' : key;
    const rank = index => {
      const value = this.read(by, index);
      return isMoney && value !== null ? Math.abs(value) : value;
    };
    const ranks = new Map(this.kept.map(index => [index, rank(index)]));
    const isEmpty = value => value === null || value === '';
    this.kept.sort((a, b) => {
      const one = ranks.get(a), two = ranks.get(b);
      if (one === two) return a - b;
      if (isEmpty(one) || isEmpty(two)) return isEmpty(one) ? 1 : -1;
      return one < two ? -sign : sign;
    });
  }

  show() {
    this.choose();
    const last = Math.max(0, Math.ceil(this.kept.length / this.size) - 1);
    this.number = Math.min(this.number, last);
    const first = this.number * this.size;
    const shown = this.kept.slice(first, first + this.size);
    this.body.replaceChildren(...shown.map(index => this.line(index)));
    this.tell(first, shown.length, last);
    for (const [key, select] of this.selects) this.choices(key, select);
    for (const [key, head] of this.heads) {
      head.ariaSort = this.sort?.key !== key ? 'none' : this.sort.down ? 'descending' : 'ascending';
    }
  }

  tell(first, length, last) {
    const { spec, page } = this, parts = [`${grouped(this.kept.length)} of ${grouped(spec.count)} rows`];
    if (spec.adds) {
      const sum = this.kept.reduce((total, index) => total
        + (spec.unless && this.read(spec.unless, index) ? 0 : Math.abs(this.read(spec.adds, index) || 0)), 0);
      parts.push(`${amount(sum, page.currency, page.exponents)} gross`);
    }
    const hidden = Object.entries(this.filter).filter(([key]) => !this.facets.some(facet => facet.key === key));
    if (hidden.length) parts.push('only ' + hidden.map(([key, value]) => `${words(key)} ${value}`).join(', '));
    this.told.textContent = parts.join(', ');
    this.place.textContent = length ? `${grouped(first + 1)} to ${grouped(first + length)}` : 'No row';
    this.back.disabled = !this.number;
    this.next.disabled = this.number >= last;
  }

  // From a link to rows: these filters and no others.
  apply(filter) {
    this.filter = filter;
    this.text = this.search.value = '';
    this.number = 0;
    this.sort = null;
    this.show();
    for (let node = this.host; node; node = node.parentElement) if (node.tagName === 'DETAILS') node.open = true;
    this.host.scrollIntoView();
    this.told.focus({ preventScroll: true });
  }

  // -- how it is drawn

  build() {
    const again = () => { this.number = 0; this.show(); };
    this.search = make('input', { type: 'search', oninput: () => { this.text = this.search.value; again(); } });
    this.selects = this.facets.map(({ key, label }) => {
      const select = make('select', { onchange: () => {
        if (select.value === '*') delete this.filter[key]; else this.filter[key] = select.value.slice(1);
        again();
      } });
      select.label = label;
      return [key, select];
    });
    const clear = make('button', { type: 'button', textContent: 'Show all', onclick: () => this.apply({}) });
    this.told = make('p', { className: 'told', tabIndex: -1 });
    this.told.setAttribute('role', 'status');
    this.heads = [];
    const heads = this.spec.columns.map(column => this.head(column, again));
    this.body = make('tbody');
    const table = make('table', {},
      make('caption', { className: 'unseen', textContent: this.spec.caption }),
      make('thead', {}, make('tr', {}, make('th', {}, make('span', { className: 'unseen', textContent: 'Details' })), ...heads)),
      this.body);
    const turn = by => { this.number += by; this.show(); };
    this.back = make('button', { type: 'button', textContent: 'Back', onclick: () => turn(-1) });
    this.next = make('button', { type: 'button', textContent: 'Next', onclick: () => turn(1) });
    this.place = make('span');
    const labelled = (text, control) => make('label', {}, text, control);
    this.host.replaceChildren(
      make('div', { className: 'controls' }, labelled('Search', this.search),
        ...this.selects.map(([, select]) => labelled(select.label, select)), clear),
      this.told, table,
      make('div', { className: 'pager' }, this.back, this.place, this.next));
  }

  head({ key, label, kind }, again) {
    const flip = () => {
      const isSame = this.sort?.key === key;
      this.sort = { key, down: isSame ? !this.sort.down : AMOUNTS.includes(kind) };
      again();
    };
    const head = make('th', { className: AMOUNTS.includes(kind) ? 'n' : '' },
      make('button', { type: 'button', textContent: label, onclick: flip }));
    this.heads.push([key, head]);
    return head;
  }

  choices(key, select) {
    const chosen = this.filter[key], counts = this.counts[key];
    const names = [...new Set([...counts.keys(), ...(chosen === undefined ? [] : [chosen])])].sort();
    const option = (value, text) => make('option', { value, textContent: text, selected: value === select.wanted });
    select.wanted = chosen === undefined ? '*' : '=' + chosen;
    select.replaceChildren(option('*', 'all'), ...names.map(name =>
      option('=' + name, `${words(name) || 'none'} (${grouped(counts.get(name) || 0)})`)));
    select.parentElement?.classList.toggle('chosen', chosen !== undefined);
    if (select.parentElement) select.parentElement.hidden = names.length < 2 && chosen === undefined;
  }

  line(index) {
    const toggle = make('button', { type: 'button', className: 'open', textContent: '+', ariaExpanded: 'false',
      ariaLabel: 'Details of this row' });
    const row = make('tr', {}, make('td', {}, toggle), ...this.spec.columns.map(column => make('td',
      { className: AMOUNTS.includes(column.kind) ? 'n' : '' }, this.value(column, index),
      ...column.under.flatMap(small => this.small(small, index)))));
    toggle.onclick = () => this.toggle(toggle, row, index);
    return row;
  }

  small(column, index) {
    const drawn = this.value(column, index);
    return drawn ? [make('br'), make('small', {}, drawn)] : [];
  }

  value({ key, kind }, index) {
    const value = this.read(key, index), { page } = this;
    if (value === null || value === '' || value === undefined) return '';
    const linked = (grid, filter) => make('a', { href: `#${grid}?${new URLSearchParams({ [filter]: value })}`, textContent: value });
    switch (kind) {
      case 'code': return make('code', { textContent: value, className: value.length > LONG ? 'long' : '' });
      case 'words': return words(value);
      case 'pill': return make('span', { className: `pill ${value}`, textContent: words(value) });
      case 'state': return value === 'OPEN' ? '' : make('span', { className: `pill ${value}`, textContent: words(value).toLowerCase() });
      case 'late': return value === 'in time' ? '' : make('span', { className: 'late', textContent: value });
      case 'count': return grouped(value);
      case 'money': return amount(value, this.read('currency', index), page.exponents);
      case 'reporting': return amount(value, page.currency, page.exponents);
      case 'duration': return duration(value);
      case 'exception': return linked('exceptions', 'exception_key');
      case 'correction': return linked('corrections', 'correction_id');
      default: return String(value);
    }
  }

  // -- what a row opens to

  async toggle(button, row, index) {
    const isOpen = button.ariaExpanded === 'true';
    button.ariaExpanded = String(!isOpen);
    button.textContent = isOpen ? '+' : '\u2212';
    if (isOpen) return row.nextElementSibling.remove();
    const cell = make('td', { colSpan: this.spec.columns.length + 1 }, this.list(index));
    row.after(make('tr', { className: 'detail' }, cell));
    const name = this.read('thread', index);
    if (name) cell.append(await this.thread(name));
  }

  list(index) {
    const list = make('dl'), add = (label, value) => value && list.append(make('dt', {}, label), make('dd', {}, value));
    for (const column of this.spec.details) add(column.label, this.value(column, index));
    const key = this.read('exception_key', index), id = this.read('thread_id', index);
    const isFinding = ['in flight', 'unproven'].includes(this.read('standing', index));
    if (key && !isFinding) add('Its history', make('code', {}, `tieout exceptions show ${key}`));
    if (id) add('Its thread', make('code', {}, `tieout trace ${id}`));
    if (key && !isFinding && this.page.review) {
      add('Work on it', make('a', { href: `${this.page.review}/exceptions/${encodeURIComponent(key)}`, textContent: 'review page' }));
    }
    return list;
  }

  // The thread's own page, in a tree of its own: its styles stay there, the colours are ours.
  async thread(name) {
    threads ??= unpack('threads');
    const page = new DOMParser().parseFromString((await threads)[name], 'text/html');
    const host = make('div', { className: 'thread' });
    page.querySelector('h1').remove();
    host.attachShadow({ mode: 'open' }).append(...page.querySelectorAll('style'), page.querySelector('main'),
      make('style', { textContent: 'main{padding:0;max-width:none}' }));
    return host;
  }
}
let threads;

// Tables that stand in the page: what a head sorts by is the value of a cell, or its text.
const sortable = table => {
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, place) => {
    const cell = row.cells[place], text = (cell.dataset.v ?? cell.textContent).trim();
    const number = parseFloat(text.replaceAll(',', ''));
    return text === '' || text === '\u2013' ? -Infinity : Number.isNaN(number) ? text : number;
  };
  heads.forEach((head, place) => {
    head.ariaSort = 'none';
    const button = make('button', { type: 'button', textContent: head.textContent, onclick: () => {
      const down = head.ariaSort === 'none' ? head.classList.contains('n') : head.ariaSort === 'ascending';
      heads.forEach(other => { other.ariaSort = 'none'; });
      head.ariaSort = down ? 'descending' : 'ascending';
      const sign = down ? -1 : 1, body = table.tBodies[0];
      const compare = (a, b) => typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === 'number' ? -1 : 1;
      body.append(...[...body.rows].sort((a, b) => sign * compare(value(a, place), value(b, place))));
    } });
    head.replaceChildren(button);
  });
};

(async () => {
  for (const table of document.querySelectorAll('table.sort')) if (table.tBodies[0].rows.length > 1) sortable(table);
  const page = await unpack('content'), grids = {};
  for (const host of document.querySelectorAll('[data-grid]')) {
    const spec = page.grids[host.dataset.grid];
    if (spec.count) grids[spec.name] = new Grid(host, spec, page);
  }
  const follow = () => {
    const [name, query] = location.hash.slice(1).split('?');
    if (query !== undefined) grids[name]?.apply(Object.fromEntries(new URLSearchParams(query)));
  };
  addEventListener('hashchange', follow);
  // a link that was followed, and then filtered away from, may be followed again
  addEventListener('click', event => {
    const link = event.target.closest?.('a[href*="?"]');
    if (link?.getAttribute('href') === location.hash) follow();
  });
  const resize = size => Object.values(grids).forEach(grid => { grid.size = size; grid.number = 0; grid.show(); });
  addEventListener('beforeprint', () => resize(PRINTED));
  addEventListener('afterprint', () => resize(PAGE));
  follow();
  document.documentElement.dataset.ready = 'yes';
})();
