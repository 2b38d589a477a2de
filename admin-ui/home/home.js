// The home page until the console exists: what state the parts are in.
/** @type {(id: string) => HTMLElement} */
const $ = (id) => /** @type {any} */ (document.getElementById(id));
const PERIOD_MS = 5000;
const words = { up: 'Up', degraded: 'Degraded', down: 'Down' };

function pill(state) {
    const span = document.createElement('span');
    const dot = document.createElement('span');

    span.className = 'pill';
    span.dataset.state = state;
    dot.className = 'dot';
    dot.setAttribute('aria-hidden', 'true');
    span.append(dot, words[state] ?? state);
    return span;
}

function row([name, { state, reason }]) {
    const li = document.createElement('li');
    const b = document.createElement('b');
    const why = document.createElement('span');

    b.textContent = name;
    why.className = 'reason';
    why.textContent = reason;
    li.append(b, pill(state), why);
    return li;
}

function summary(state, text) {
    $('ready').dataset.state = state;
    if ($('ready-text').textContent !== text) $('ready-text').textContent = text;
}

let last = '';

async function update() {
    try {
        const health = await (await fetch('/readyz', { cache: 'no-store' })).json();
        const parts = Object.entries(health.parts ?? {});
        const limping = parts.some(([, p]) => p.state === 'degraded');

        if (!health.ready) summary('down', 'Not ready');
        else summary(limping ? 'degraded' : 'up', limping ? 'Ready, with limits' : 'Ready for calls');
        const now = JSON.stringify(parts);
        if (now !== last) $('parts').replaceChildren(...parts.map(row));
        last = now;
    } catch {
        summary('down', 'No answer');
    }
}

update();
setInterval(update, PERIOD_MS);
