// Draws the self-test: on one side what the person is asked, of one height whatever it is, on the other the list of results.
import { make, text, unseen } from './dom.js';
import { resultWords, steps, testNames, words } from './words.js';

/** @typedef {import('./types').Name} Name */

const BUTTONS = 3;
const DEVICES = /** @type {const} */ (['speaker', 'ring', 'microphone']);
const KINDS = { good: 'good', fair: 'fair', bad: 'bad', running: 'busy', waiting: 'off', skipped: 'off' };

const pill = () => make('span', { className: 'pill' }, make('span', { className: 'dot', attr: { 'aria-hidden': 'true' } }), make('span'));

export class RoomView {
    #root;
    #on;
    #step = '';
    #says = new Map(); // by step: its title and text, one upon the other, so that the longest makes the room
    #form;
    #fields;
    #devices = new Map(); // kind → {row, select}
    #meter;
    #buttons;
    #answers; // what holds them
    #note = make('div', { className: 'room-note', attr: { role: 'alert' } });
    #status = make('p', { className: 'room-status', attr: { role: 'status' } });
    #rows = new Map();
    #facts = make('p', { className: 'room-facts' });
    #text = make('textarea', { className: 'room-text', readOnly: true, hidden: true, attr: { 'aria-label': words.copyHere } });

    // on: press(answer), submit({dn, password}), choose(kind, id); back() where there is something to go back to
    constructor(root, on) {
        this.#root = root;
        this.#on = on;
        this.#fields = {
            dn: make('input', { id: 'room-dn', name: 'dn', autocomplete: 'username', spellcheck: false, maxLength: 63, required: true, attr: { autocapitalize: 'none' } }),
            password: make('input', { id: 'room-password', name: 'password', type: 'password', autocomplete: 'current-password', required: true }),
        };
        this.#form = make(
            'form',
            { method: 'post', className: 'room-form', id: 'room-form' },
            make('label', { htmlFor: 'room-dn' }, words.dn),
            this.#fields.dn,
            make('label', { htmlFor: 'room-password' }, words.password),
            this.#fields.password,
        );
        this.#meter = make(
            'div',
            { className: 'meter', attr: { role: 'meter', 'aria-label': words.level, 'aria-valuemin': '0', 'aria-valuemax': '100', 'aria-valuenow': '0' } },
            make('span'),
        );
        this.#buttons = Array.from({ length: BUTTONS }, () => make('button', { type: 'button' }));
        this.#answers = make('div', { className: 'room-buttons' }, ...this.#buttons);
        root.classList.add('room');
        root.replaceChildren(this.#stage(), this.#results());
        this.#wire();
    }

    #stage() {
        const says = make('div', { className: 'room-says' });

        for (const [step, { title, text: words }] of Object.entries(steps)) {
            const say = make('div', { className: 'kept' }, make('h2', { tabIndex: -1 }, title), make('p', {}, words));
            this.#says.set(step, say);
            says.append(say);
        }
        const devices = DEVICES.map((kind) => {
            const select = make('select', { id: `room-${kind}` });
            const row = make('div', { className: 'room-device kept' }, make('label', { htmlFor: select.id }, words.devices[kind]), select);
            this.#devices.set(kind, { row, select });
            return row;
        });
        return make(
            'section',
            { className: 'card room-stage', attr: { 'aria-label': steps.ready.title } },
            ...(this.#on.back ? [make('button', { type: 'button', className: 'quiet room-back', onclick: () => this.#on.back() }, words.back)] : []),
            says,
            make('div', { className: 'room-hands' }, this.#form, make('div', { className: 'room-devices' }, make('div', { className: 'room-choices' }, ...devices), this.#meter)),
            this.#answers,
            this.#note,
            this.#status,
        );
    }

    #results() {
        const list = make('ul', { className: 'room-lines', attr: { 'aria-labelledby': 'room-results' } });

        for (const [name, title] of Object.entries(testNames)) {
            const row = { li: make('li', { attr: { 'data-test': name, 'data-result': 'waiting' } }), pill: pill(), detail: make('p'), advice: make('p', { className: 'room-advice' }) };
            row.li.append(make('h3', {}, title), row.pill, row.detail, row.advice);
            this.#rows.set(name, row);
            list.append(row.li);
            this.line(/** @type {Name} */ (name), { result: 'waiting' });
        }
        return make('section', { className: 'card room-results', attr: { 'aria-labelledby': 'room-results' } }, make('h2', { id: 'room-results' }, words.results), list, this.#facts, this.#text);
    }

    #wire() {
        for (const button of this.#buttons)
            button.addEventListener('click', (event) => {
                // Not by the second half of a double click; a start with a form goes by its submit.
                if (event.detail > 1 || button.type === 'submit') return;
                this.#on.press(button.dataset.answer);
            });
        this.#form.addEventListener('submit', (event) => {
            event.preventDefault();
            this.#on.submit({ dn: this.#fields.dn.value.trim(), password: this.#fields.password.value });
        });
        for (const [kind, { select }] of this.#devices) select.addEventListener('change', () => this.#on.choose(kind, select.value));
    }

    // form: DN and password are asked; dn: this one's.
    show(step, { form = false, dn = '' } = {}) {
        const { device, meter, buttons } = steps[step];
        const held = this.#root.contains(document.activeElement) || document.activeElement === document.body;

        this.#step = step;
        this.#root.dataset.step = step;
        for (const [name, say] of this.#says) unseen(say, name !== step);
        unseen(this.#form, !form);
        if (dn) this.#fields.dn.value = dn;
        this.#fields.dn.readOnly = dn !== '';
        for (const [kind, { row, select }] of this.#devices) unseen(row, kind !== device || select.options.length === 0);
        unseen(this.#meter, !meter);
        this.#buttons.forEach((button, i) => this.#button(button, buttons[i], form));
        this.#answers.classList.toggle('one', buttons.length === 1);
        if (held) this.focus(form);
    }

    #button(button, spec, form) {
        const [answer, label, kind] = spec ?? ['', '', ''];

        unseen(button, !spec);
        button.dataset.answer = answer;
        button.className = [kind, spec ? '' : 'kept'].filter(Boolean).join(' ');
        button.type = form && answer === 'start' ? 'submit' : 'button';
        if (button.type === 'submit') button.setAttribute('form', this.#form.id);
        else button.removeAttribute('form');
        text(button, label);
    }

    // To what is asked, so that it is read out; the answers come next by the keyboard, and Enter pressed too often gives none.
    focus(form = false) {
        const field = this.#fields.dn.value ? this.#fields.password : this.#fields.dn;

        if (form) field.focus({ preventScroll: true });
        else this.#says.get(this.#step).querySelector('h2').focus({ preventScroll: true });
    }

    busy(is) {
        for (const button of this.#buttons) button.disabled = is;
    }

    clearPassword() {
        this.#fields.password.value = '';
    }

    note(kind, words) {
        this.#note.replaceChildren(...(words ? [make('p', { className: `note ${kind}` }, words)] : []));
    }

    status(words) {
        text(this.#status, words);
    }

    facts(words) {
        text(this.#facts, words);
    }

    // kind: what it is for; items: {id, label}.
    devices(kind, items, chosen) {
        const { row, select } = this.#devices.get(kind);
        const key = JSON.stringify(items);

        if (select.dataset.items !== key) {
            select.dataset.items = key;
            select.replaceChildren(...items.map(({ id, label }) => new Option(label, id)));
        }
        select.value = items.some(({ id }) => id === chosen) ? chosen : (items[0]?.id ?? '');
        unseen(row, steps[this.#step]?.device !== kind || items.length === 0);
    }

    device(kind) {
        return this.#devices.get(kind).select.selectedOptions[0]?.label ?? '';
    }

    // 0..1
    level(value) {
        this.#meter.style.setProperty('--level', value.toFixed(3));
        this.#meter.setAttribute('aria-valuenow', String(Math.round(value * 100)));
    }

    /** @param {Name} name @param {import('./types').Line} line */
    line(name, { result, detail = '', advice = '' }) {
        const row = this.#rows.get(name);

        row.li.dataset.result = result;
        row.pill.dataset.kind = KINDS[result];
        text(row.pill.lastChild, resultWords[result]);
        text(row.detail, detail);
        text(row.advice, advice);
    }

    // Where the clipboard can't be had: to be copied by hand.
    showText(words) {
        this.#text.hidden = false;
        this.#text.value = words;
        this.#text.focus();
        this.#text.select();
    }

    hideText() {
        this.#text.hidden = true;
    }
}
