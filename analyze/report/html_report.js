'use strict';
(function () {
  const pageRows = 100;
  const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
  const status = document.getElementById('status');
  let forget = 0;

  document.querySelectorAll('.tools, .copy').forEach(function (e) { e.hidden = false; });

  function say(text) {
    status.textContent = text;
    clearTimeout(forget);
    forget = setTimeout(function () { status.textContent = ''; }, 4000);
  }

  // Theme: the system's until the button is used.
  const theme = document.getElementById('theme');
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  function isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === 'dark' : dark.matches;
  }
  function showTheme() { theme.setAttribute('aria-pressed', String(isDark())); }
  theme.addEventListener('click', function () {
    document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
    showTheme();
  });
  dark.addEventListener('change', showTheme);
  showTheme();

  // Opening and closing.
  function all(open) {
    document.querySelectorAll('main details').forEach(function (d) { d.open = open; });
  }
  document.getElementById('expand').addEventListener('click', function () { all(true); });
  document.getElementById('collapse').addEventListener('click', function () { all(false); });
  // A link opens what it leads to, also when it is followed a second time.
  function openTarget(hash) {
    const target = hash.length > 1 && document.getElementById(hash.slice(1));
    const inside = target && target.id !== 'main' && target.querySelector('details');
    if (inside) { inside.open = true; }
    return target;
  }
  function reveal() {
    const target = openTarget(location.hash);
    if (target) { target.scrollIntoView(); }
  }
  document.addEventListener('click', function (event) {
    const link = event.target.closest('a[href^="#"]');
    if (link) { openTarget(link.getAttribute('href')); }
  });
  window.addEventListener('hashchange', reveal);
  reveal();
  let opened = [];
  window.addEventListener('beforeprint', function () {
    opened = Array.from(document.querySelectorAll('main details:not([open])'));
    opened.forEach(function (d) { d.open = true; });
  });
  window.addEventListener('afterprint', function () {
    opened.forEach(function (d) { d.open = false; });
    opened = [];
  });

  // Copying.
  function copyBySelection(text) {
    const area = document.createElement('textarea');
    area.value = text;
    area.setAttribute('readonly', '');
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
  function copy(text, button) {
    function tell(done) {
      say(done ? 'Copied' : 'Could not copy; select the text instead');
      button.focus();
    }
    if (navigator.clipboard && navigator.clipboard.writeText) {
      navigator.clipboard.writeText(text).then(function () { tell(true); }, function () { tell(copyBySelection(text)); });
    } else {
      tell(copyBySelection(text));
    }
  }
  document.addEventListener('click', function (event) {
    const button = event.target.closest('[data-copy]');
    if (button) { copy(document.getElementById(button.dataset.copy).textContent, button); }
  });

  // Tables: rows come from the page and from the data after it; only one page
  // of them is ever in the document.
  document.querySelectorAll('.inventory').forEach(function (section) {
    const table = section.querySelector('table.data');
    if (!table) { return; }
    const body = table.tBodies[0];
    const heads = Array.from(table.tHead.rows[0].cells);
    const classes = heads.map(function (h) { return h.className; });
    const search = section.querySelector('input');
    const shown = section.querySelector('.shown');
    const previous = section.querySelector('.previous');
    const next = section.querySelector('.next');
    let rows = null, found = null, page = 0, column = -1, descending = false;

    function load() {
      if (rows) { return; }
      rows = Array.from(body.rows, function (r) { return Array.from(r.cells, function (c) { return c.textContent; }); });
      const more = section.querySelector('script.more');
      if (more) { rows = rows.concat(JSON.parse(more.textContent)); }
      found = rows;
    }
    function count() {
      const pages = Math.max(1, Math.ceil(found.length / pageRows));
      const from = found.length ? page * pageRows + 1 : 0;
      const to = Math.min(found.length, (page + 1) * pageRows);
      shown.textContent = from + ' to ' + to + ' of ' + found.length;
      previous.disabled = page === 0;
      next.disabled = page >= pages - 1;
      previous.parentElement.hidden = pages === 1;
    }
    function show() {
      const fresh = document.createElement('tbody');
      found.slice(page * pageRows, (page + 1) * pageRows).forEach(function (row) {
        const r = fresh.insertRow();
        row.forEach(function (text, i) {
          const c = r.insertCell();
          c.textContent = text;
          if (classes[i]) { c.className = classes[i]; }
        });
      });
      table.replaceChild(fresh, table.tBodies[0]);
      count();
    }
    function choose() {
      load();
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      found = rows.filter(function (row) {
        const text = row.join('\n').toLowerCase();
        return words.every(function (w) { return text.includes(w); });
      });
      if (column >= 0) {
        found = found.slice().sort(function (a, b) {
          const d = collator.compare(a[column], b[column]);
          return descending ? -d : d;
        });
      }
      page = 0;
      show();
    }
    search.addEventListener('input', choose);
    previous.addEventListener('click', function () { load(); page--; show(); });
    next.addEventListener('click', function () { load(); page++; show(); });
    heads.forEach(function (head, i) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = head.textContent;
      head.textContent = '';
      head.append(button);
      head.setAttribute('aria-sort', 'none');
      button.addEventListener('click', function () {
        descending = column === i && !descending;
        column = i;
        heads.forEach(function (h) { h.setAttribute('aria-sort', 'none'); });
        head.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
        choose();
      });
    });
    section.querySelector('details').addEventListener('toggle', function () {
      load();
      count();
    });
    if (section.querySelector('details').open) {
      load();
      count();
    }
  });
})();
