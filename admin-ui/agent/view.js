// Draws the state and turns clicks into actions.
import { ask } from './ask.js';
import { $ } from './dom.js';
import { inUse, listenToKeys } from './keys.js';
import { opensPhoneLinks } from './link.js';
import { readNumber, LONGEST } from './number.js';
import { isReady, pill } from './pill.js';
import { initialState } from './store.js';
import { nameOf, who, words } from './words.js';

const DIGITS = [
    ['1', ''], ['2', 'ABC'], ['3', 'DEF'], ['4', 'GHI'], ['5', 'JKL'], ['6', 'MNO'],
    ['7', 'PQRS'], ['8', 'TUV'], ['9', 'WXYZ'], ['*', '', 'star'], ['0', '+'], ['#', '', 'hash'],
];

function text(element, value) {
    if (element.textContent !== value) element.textContent = value; // live regions speak on every write
}

function show(element, visible) {
    element.hidden = !visible;
}

// Keeps its place.
function unseen(element, out) {
    element.classList.toggle('kept', out);
}

// Without scrolling: that would move what is under a finger.
const focus = (id) => $(id).focus({ preventScroll: true });

const seen = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility === 'visible';

// Where the focus is while nothing is done. On a touch screen a text field would bring up the screen's own keyboard.
const touch = () => matchMedia('(pointer: coarse)').matches;
const rest = () => focus(touch() ? 'call' : 'dial-number');

// What stands below a caller's name.
const numbers = ({ name, number, called }) => [name && number, called && words.called(called)].filter(Boolean).join(' · ');

// How the call stands; what becomes of the one that is held is said here, too.
const course = ({ call, other }) => (other?.moving ? other.text : call.text);

// The big words between calls.
function readiness(state) {
    if (state.microphoneMissing) return 'No microphone';
    if (state.draining) return 'The gateway is being restarted';
    return isReady(state) && !state.offline ? 'Ready for calls' : 'Not ready';
}

function clock(ms) {
    const s = Math.max(0, Math.floor(ms / 1000));
    const two = (n) => String(n).padStart(2, '0');

    return s < 3600 ? `${two(Math.floor(s / 60))}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

function options(select, items, chosen) {
    const key = JSON.stringify(items);

    if (!items.some(({ id }) => id === chosen)) select.value = '';
    if (select.dataset.items !== key) {
        select.dataset.items = key;
        select.replaceChildren(...items.map(({ id, label }) => new Option(label, id)));
    }
    if (select.value !== chosen && items.some(({ id }) => id === chosen)) select.value = chosen;
}

const HELD_MS = 500;
const LIVE = new Set(['calling', 'ringing', 'incoming', 'connected']);
const ENDS = { incoming: 'Decline', calling: 'Cancel', ringing: 'Cancel' }; // else: Hang up

const timeOfDay = new Intl.DateTimeFormat([], { hour: '2-digit', minute: '2-digit' });

export class View {
    #actions;
    #own = { autoAnswer: false }; // settings of this browser
    /** @type {import('./types').State} */
    #state = initialState;
    #drawn = false;

    constructor(actions, settings) {
        this.#actions = actions;
        this.#makeKeypad();
        this.#wire();
        this.#wireSettings(settings);
        listenToKeys(() => this.#state, actions);
    }

    render(state) {
        const before = this.#drawn ? this.#state : null;

        this.#state = state;
        this.#drawn = true;
        document.body.dataset.view = state.view;
        document.body.dataset.call = state.call.state;
        this.#renderIdentity(state);
        this.#renderPill(state);
        this.#renderMessages(state);
        this.#renderCall(state);
        this.#renderWaiting(state);
        this.#renderOther(state);
        this.#renderQuality(state.quality);
        this.#renderDevices(state.devices);
        this.#renderMissed(state.missed, before?.missed);
        this.#renderDial();
        if (!before) return;
        this.#announce(state, before);
        if (before.view !== state.view) this.#focusView(state.view);
        else if (before.call.state !== state.call.state) this.#focusCall(state.call.state);
        else if (before.picking !== state.picking) this.#focusPicking(state.picking, before.picking);
        this.#keepFocus();
    }

    // Every second: the duration.
    tick() {
        const { answeredAt, endedAt } = this.#state.call;

        text($('duration'), answeredAt ? clock((endedAt || performance.now()) - answeredAt) : '');
    }

    // Ten times a second: the microphone's level, 0..1.
    level(value) {
        const meter = $('level');

        meter.style.setProperty('--level', value.toFixed(3));
        meter.setAttribute('aria-valuenow', String(Math.round(value * 100)));
    }

    // A number from elsewhere: it is the agent who dials it.
    fill(number) {
        this.#setDial(number);
    }

    clearPassword() {
        $('password').value = '';
    }

    #renderIdentity({ view, dn, displayName, autoAnswer, busy, elsewhere }) {
        $('auto-answer').disabled = autoAnswer; // as the DN is set, whatever was chosen here
        $('auto-answer').checked = autoAnswer || this.#own.autoAnswer;
        show($('signin-view'), view === 'signin');
        show($('shift-view'), view === 'shift');
        show($('check-view'), view === 'check');
        show($('phone-view'), view === 'phone');
        show($('account'), view !== 'signin');
        show($('end-shift'), view === 'phone');
        for (const id of /** @type {const} */ (['take-over', 'take-call'])) show($(id), view === 'shift' && elsewhere);
        show($('start-shift'), !(view === 'shift' && elsewhere));
        text($('agent'), displayName ? `${displayName} · ${dn}` : dn);
        text($('shift-dn'), displayName ? `${displayName}, DN ${dn}` : `DN ${dn}`);
        for (const button of [$('sign-in'), $('start-shift'), $('take-over'), $('take-call'), $('check')]) button.disabled = busy;
    }

    #renderPill(state) {
        const { text: words, kind } = pill(state);

        $('registration').dataset.state = state.registration.state;
        $('registration').dataset.kind = kind;
        text($('registration-text'), words);
    }

    // On the phone they stand in the call's card, where there is room kept for them. Whether they all fit is a matter of fonts and windows: as long
    // as there are any the keyboard reaches, and scrolls, them.
    #renderMessages({ view, messages, waiting, other }) {
        const list = Object.entries(messages).sort(([, a], [, b]) => a.kind.localeCompare(b.kind)); // errors first
        const key = JSON.stringify(list);
        const place = $(view === 'phone' ? 'call-notes' : 'page-notes');

        $('call-notes').tabIndex = list.length || waiting || other ? 0 : -1;
        if ($('message').parentElement !== place) place.append($('message'));
        if ($('message').dataset.key === key) return;
        $('message').dataset.key = key;
        $('message').replaceChildren(
            ...list.map(([source, { kind, text: words }]) => {
                const p = document.createElement('p');
                p.className = `note ${kind}`;
                p.dataset.source = source;
                p.textContent = words;
                if (source === 'administrator') p.append(' ', this.#readButton());
                return p;
            }),
        );
    }

    #readButton() {
        const button = document.createElement('button');

        button.type = 'button';
        button.className = 'quiet';
        button.textContent = words.messageRead;
        button.addEventListener('click', () => this.#actions.messageRead());
        return button;
    }

    // What can't be used is greyed or unseen, but keeps its place: nothing moves under a finger.
    #renderCall(state) {
        const { call, muted } = state;
        const live = LIVE.has(call.state);
        const name = nameOf(call);

        $('call').dataset.state = call.state;
        text($('call-state'), call.state === 'idle' ? readiness(state) : course(state));
        text($('caller-name'), name);
        $('caller-name').title = name;
        text($('caller-number'), call.name ? call.number : '');
        text($('called-number'), call.called ? words.called(call.called) : '');
        text($('sent-digits'), call.digits);
        this.tick();
        show($('caller'), call.state !== 'idle');
        unseen($('answer'), call.state !== 'incoming');
        unseen($('mute'), !live && call.state !== 'ended');
        unseen($('hangup'), !live && call.state !== 'ended');
        $('mute').disabled = call.state !== 'connected';
        $('hangup').disabled = !live;
        text($('hangup-text'), ENDS[call.state] ?? 'Hang up');
        $('mute').setAttribute('aria-pressed', String(muted));
        text($('mute-text'), muted ? 'Muted' : 'Mute');
        this.#renderHands(state);
        unseen($('dial-form'), live && !state.picking);
        unseen($('sent'), !live || !call.digits || state.picking !== '');
        text($('dial-label'), words.numberFor[state.picking]);
        text($('dial'), words.dialFor[state.picking]);
        $('dial').disabled = !isReady(state);
    }

    // Hold, transfer and consult.
    #renderHands({ call, waiting, other, picking }) {
        const up = call.state === 'connected';

        for (const id of /** @type {const} */ (['hold', 'transfer', 'consult'])) unseen($(id), !up && call.state !== 'ended');
        $('hold').disabled = !up || call.moving !== '';
        $('hold').dataset.held = call.held ? 'yes' : 'no';
        text($('hold-text'), call.held ? words.retrieve : words.hold);
        for (const id of /** @type {const} */ (['transfer', 'consult'])) {
            $(id).disabled = !up || call.moving !== '' || waiting !== null || other !== null;
            $(id).setAttribute('aria-expanded', String(picking === id));
        }
    }

    #renderOther({ other, call }) {
        show($('other'), other !== null);
        if (!other) return;
        text($('other-name'), nameOf(other));
        text($('other-number'), numbers(other));
        $('swap').disabled = $('join').disabled = call.state !== 'connected' || other.moving !== '' || call.moving !== '';
    }

    #renderWaiting({ waiting, call }) {
        show($('waiting'), waiting !== null);
        if (!waiting) return;
        text($('waiting-name'), nameOf(waiting));
        text($('waiting-number'), numbers(waiting));
        text($('waiting-take'), call.state === 'incoming' ? 'Decline the first and take' : 'Hang up and take');
    }

    #renderQuality(quality) {
        const known = quality && quality.bars >= 0;

        show($('quality'), quality !== null);
        $('quality').dataset.bars = String(quality?.bars ?? -1);
        text($('quality-word'), quality?.word ?? '');
        text(
            $('quality-detail'),
            known
                ? `${(quality.loss * 100).toFixed(1)} % loss · ${Math.round(quality.jitter)} ms jitter · ${Math.round(quality.rtt)} ms round trip${quality.codec ? ` · ${quality.codec}` : ''}${words.path(quality.path)}`
                : '',
        );
    }

    #renderDevices({ microphones, speakers, microphone, speaker, ringSpeaker, speakerChoice }) {
        options($('microphone'), microphones, microphone);
        show($('speaker-row'), speakerChoice && speakers.length > 0);
        options($('speaker'), speakers, speaker);
        options($('ring-speaker'), [{ id: '', label: words.asSpeaker }, ...speakers], ringSpeaker);
    }

    #renderMissed(missed, before) {
        if (missed === before) return;
        show($('missed'), missed.length > 0);
        text($('missed-title'), missed.length === 1 ? '1 missed call' : `${missed.length} missed calls`);
        $('missed-list').replaceChildren(
            ...missed.map((call) => {
                const item = document.createElement('li');
                const time = document.createElement('time');
                const at = new Date(call.at);
                time.dateTime = at.toISOString();
                time.textContent = timeOfDay.format(at);
                item.append(time, ' ', this.#caller(call));
                return item;
            }),
        );
    }

    // A number can be called back: it goes into the dial field.
    #caller(call) {
        const element = call.number ? this.#redial(call.number) : document.createElement('span');
        const name = document.createElement('strong');
        const small = document.createElement('small');

        name.textContent = nameOf(call);
        small.textContent = numbers(call);
        element.append(name, ' ', small);
        return element;
    }

    #redial(number) {
        const button = document.createElement('button');

        button.type = 'button';
        button.addEventListener('click', () => {
            this.#setDial(number);
            $('dial-number').focus();
        });
        return button;
    }

    // What will be dialled, when it is not what stands in the field, or why it can't be.
    #renderDial() {
        const typed = $('dial-number').value;
        const { number, dropped, refused, length } = readNumber(typed);
        const wrong = refused ? words.numberRefused(refused) : length ? words.numberTooLong(length, LONGEST) : '';

        text($('dial-hint'), wrong || (number && number !== typed ? words.numberDialled(number, dropped) : ''));
        $('dial-hint').classList.toggle('wrong', wrong !== '');
        $('dial-number').setAttribute('aria-invalid', String(wrong !== ''));
    }

    // The live region: what one who does not see the page has to hear.
    #announce(state, before) {
        const { call, waiting } = state;

        if (waiting && !before.waiting) text($('announcer'), words.waiting(who(waiting)));
        else if (call.state === before.call.state && course(state) === course(before)) return;
        else if (call.state === 'incoming') text($('announcer'), words.ringing(who(call)));
        else if (call.state !== 'idle') text($('announcer'), course(state));
    }

    #focusView(view) {
        if (view === 'signin') $($('dn').value ? 'password' : 'dn').focus();
        else if (view === 'check') /** @type {HTMLElement | null} */ ($('check-view').querySelector('div:not(.kept) > h2'))?.focus();
        else if (view === 'shift') (this.#state.elsewhere ? $('take-over') : $('start-shift')).focus();
        else rest();
    }

    // Where the keyboard should be next; never away from a control in use.
    #focusCall(state) {
        const element = document.activeElement;
        const ours = element?.closest('#answer, #mute, #hangup, #dial-form, .more, #other');

        if (inUse(element) && !(ours && state !== 'incoming')) return;
        if (state === 'incoming') $('answer').focus();
        else if (state === 'calling') focus('hangup');
        else if (state === 'connected') focus('mute');
        else if (state === 'ended') rest();
    }

    #focusPicking(picking, before) {
        if (picking) $('dial-number').focus();
        else if (document.activeElement?.closest('#dial-form')) focus(before === 'consult' ? 'consult' : 'transfer');
    }

    // The focus is never nowhere: what had it may be gone.
    #keepFocus() {
        const element = document.activeElement;

        if (element && element !== document.body && seen(element) && !element.matches(':disabled')) return;
        if (this.#state.view !== 'phone') this.#focusView(this.#state.view);
        else if (LIVE.has(this.#state.call.state)) focus($('mute').disabled ? 'hangup' : 'mute');
        else rest();
    }

    #makeKeypad() {
        $('keypad').append(
            ...DIGITS.map(([digit, letters, spoken]) => {
                const button = document.createElement('button');
                const small = document.createElement('small');
                button.type = 'button';
                button.dataset.digit = digit;
                small.textContent = letters;
                if (spoken) {
                    small.textContent = spoken;
                    small.className = 'unseen';
                }
                button.append(digit, ' ', small);
                return button;
            }),
        );
    }

    #wire() {
        const actions = this.#actions;
        const click = (id, action) => $(id).addEventListener('click', action);
        const once = (id, action) => click(id, (event) => event.detail > 1 || action()); // not by the second half of a double click

        $('signin-form').addEventListener('submit', (event) => {
            event.preventDefault();
            actions.signIn($('dn').value.trim(), $('password').value);
        });
        $('dial-form').addEventListener('submit', (event) => {
            event.preventDefault();
            const { picking } = this.#state;
            const act = { transfer: actions.transfer, consult: actions.consult }[picking] ?? actions.dial;
            if (act($('dial-number').value)) this.#setDial('');
        });
        $('dial-number').addEventListener('input', () => this.#renderDial());
        let pressedAt = Infinity;
        $('keypad').addEventListener('pointerdown', (event) => (pressedAt = event.timeStamp));
        $('keypad').addEventListener('click', (event) => {
            const digit = /** @type {HTMLElement} */ (event.target).closest('button')?.dataset.digit;
            const held = event.timeStamp - pressedAt > HELD_MS;
            pressedAt = Infinity;
            if (digit) this.#digit(digit, held);
        });
        click('start-shift', () => actions.startShift());
        click('take-over', () => actions.takeOver());
        click('take-call', () => actions.takeOver('calls'));
        click('check', () => actions.check());
        click('end-shift', () => this.#leave('End the shift?', 'Hang up and end the shift', actions.endShift));
        click('sign-out', () => this.#leave('Sign out?', 'Hang up and sign out', actions.signOut));
        once('answer', () => actions.answer());
        once('hangup', () => actions.hangup());
        once('waiting-take', () => actions.takeWaiting());
        once('waiting-decline', () => actions.declineWaiting());
        click('mute', () => actions.setMuted(!this.#state.muted));
        click('hold', () => actions.hold(!this.#state.call.held));
        for (const id of /** @type {const} */ (['transfer', 'consult'])) click(id, () => actions.pick(this.#state.picking === id ? '' : id));
        once('swap', () => actions.swap());
        once('join', () => actions.join());
        show($('phone-links'), opensPhoneLinks());
        click('phone-links', () => actions.openPhoneLinks());
        click('clear-missed', () => actions.clearMissed());
        $('microphone').addEventListener('change', () => actions.chooseMicrophone($('microphone').value));
        $('speaker').addEventListener('change', () => actions.chooseSpeaker($('speaker').value));
        $('ring-speaker').addEventListener('change', () => actions.chooseRingSpeaker($('ring-speaker').value));
    }

    // In a call, asks first.
    async #leave(question, yes, action) {
        if (!LIVE.has(this.#state.call.state) || (await ask(`You are in a call. ${question}`, yes))) action();
    }

    // Each control has the name of its setting.
    #wireSettings(settings) {
        this.#own = settings;
        for (const control of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('[data-setting]'))) {
            const name = control.dataset.setting ?? '';
            const box = control.type === 'checkbox';
            if (box) control.checked = settings[name];
            else control.value = settings[name];
            control.addEventListener(box ? 'change' : 'input', () => this.#actions.setting(name, box ? control.checked : Number(control.value)));
        }
    }

    #setDial(value) {
        $('dial-number').value = value;
        this.#renderDial();
    }

    // In a call a tone; else it is typed where Enter dials: + for a 0 that is held.
    #digit(digit, held) {
        const field = $('dial-number');
        const { call, picking } = this.#state;

        if (call.state === 'connected' && !picking) this.#actions.digit(digit);
        if (LIVE.has(call.state) && !picking) return;
        field.setRangeText(digit === '0' && held ? '+' : digit, field.selectionStart ?? 0, field.selectionEnd ?? 0, 'end');
        this.#renderDial();
        if (!touch()) field.focus();
    }
}
