// Draws the state and turns clicks and keys into actions.
const $ = (id) => document.getElementById(id);

const DIGITS = [
    ['1', ''], ['2', 'ABC'], ['3', 'DEF'], ['4', 'GHI'], ['5', 'JKL'], ['6', 'MNO'],
    ['7', 'PQRS'], ['8', 'TUV'], ['9', 'WXYZ'], ['*', ''], ['0', '+'], ['#', ''],
];

function text(element, value) {
    if (element.textContent !== value) element.textContent = value; // live regions speak on every write
}

function show(element, visible) {
    element.hidden = !visible;
}

function clock(ms) {
    const s = Math.max(0, Math.floor(ms / 1000));
    const two = (n) => String(n).padStart(2, '0');

    return s < 3600 ? `${two(Math.floor(s / 60))}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

function options(select, items, chosen) {
    const key = JSON.stringify(items);

    if (select.dataset.items !== key) {
        select.dataset.items = key;
        select.replaceChildren(...items.map(({ id, label }) => new Option(label, id)));
    }
    if (select.value !== chosen && items.some(({ id }) => id === chosen)) select.value = chosen;
}

const typing = (target) => target instanceof HTMLElement && target.matches('input:not([type=checkbox], [type=range]), select, textarea');

export class View {
    #actions;
    #state = null;

    constructor(actions, settings) {
        this.#actions = actions;
        this.#makeKeypad();
        this.#wire();
        this.#wireSettings(settings);
        document.addEventListener('keydown', (event) => this.#key(event));
    }

    render(state) {
        const before = this.#state;

        this.#state = state;
        document.body.dataset.view = state.view;
        document.body.dataset.call = state.call.state;
        this.#renderIdentity(state);
        this.#renderMessages(state.messages);
        this.#renderCall(state, before);
        this.#renderQuality(state.quality);
        this.#renderDevices(state.devices);
        if (before && before.view !== state.view) this.#focusView(state.view);
    }

    // Every second: the duration.
    tick() {
        const { answeredAt, endedAt } = this.#state.call;

        text($('duration'), answeredAt ? clock((endedAt || Date.now()) - answeredAt) : '');
    }

    // Every frame: the microphone's level, 0..1.
    level(value) {
        const meter = $('level');

        meter.style.setProperty('--level', value.toFixed(3));
        meter.setAttribute('aria-valuenow', String(Math.round(value * 100)));
    }

    clearPassword() {
        $('password').value = '';
    }

    #renderIdentity({ view, dn, displayName, registration, busy }) {
        show($('signin-view'), view === 'signin');
        show($('shift-view'), view === 'shift');
        show($('phone-view'), view === 'phone');
        show($('account'), view !== 'signin');
        show($('end-shift'), view === 'phone');
        text($('agent'), displayName ? `${displayName} · ${dn}` : dn);
        text($('shift-dn'), displayName ? `${displayName}, DN ${dn}` : `DN ${dn}`);
        $('registration').dataset.state = registration.state;
        const offShift = view === 'shift' && registration.state === 'offline';
        text($('registration-text'), offShift ? 'Off shift' : registration.text);
        $('sign-in').disabled = busy;
        $('start-shift').disabled = busy;
    }

    #renderMessages(messages) {
        const list = Object.entries(messages);
        const key = JSON.stringify(list);

        if ($('message').dataset.key === key) return;
        $('message').dataset.key = key;
        $('message').replaceChildren(
            ...list.map(([source, { kind, text: words }]) => {
                const p = document.createElement('p');
                p.className = `note ${kind}`;
                p.dataset.source = source;
                p.textContent = words;
                return p;
            }),
        );
    }

    #renderCall({ call, muted, registration }, before) {
        const { state } = call;
        const live = ['calling', 'ringing', 'incoming', 'connected'].includes(state);

        $('call').dataset.state = state;
        text($('call-state'), state === 'idle' ? (registration.state === 'registered' ? 'Ready for calls' : 'Not ready') : call.text);
        text($('caller-name'), call.name || call.number);
        text($('caller-number'), call.name ? call.number : '');
        text($('sent-digits'), call.digits);
        this.tick();
        show($('caller'), state !== 'idle');
        show($('answer'), state === 'incoming');
        show($('hangup'), live);
        text($('hangup-text'), { incoming: 'Decline', calling: 'Cancel', ringing: 'Cancel' }[state] ?? 'Hang up');
        show($('mute'), state === 'connected');
        $('mute').setAttribute('aria-pressed', String(muted));
        text($('mute-text'), muted ? 'Muted' : 'Mute');
        show($('dial-form'), !live);
        $('dial').disabled = registration.state !== 'registered';
        if (before && before.call.state !== state) this.#focusCall(state);
    }

    #renderQuality(quality) {
        const n = quality?.bars ?? -1;

        show($('quality'), quality !== null);
        $('quality').dataset.bars = String(n);
        text($('quality-word'), quality?.word ?? '');
        text(
            $('quality-detail'),
            quality
                ? `${(quality.loss * 100).toFixed(1)} % loss · ${Math.round(quality.jitter)} ms jitter · ${Math.round(quality.rtt)} ms round trip${quality.codec ? ` · ${quality.codec}` : ''}`
                : '',
        );
    }

    #renderDevices({ microphones, speakers, microphone, speaker, speakerChoice }) {
        options($('microphone'), microphones, microphone);
        show($('speaker-row'), speakerChoice && speakers.length > 0);
        options($('speaker'), speakers, speaker);
    }

    // Where the keyboard should be next; never away from something being typed.
    #focusView(view) {
        if (view === 'signin') $($('dn').value ? 'password' : 'dn').focus();
        else if (view === 'shift') $('start-shift').focus();
        else $('dial-number').focus();
    }

    #focusCall(state) {
        const field = document.activeElement;

        if (typing(field) && field.value && field.id === 'dial-number' && state === 'incoming') return;
        if (state === 'incoming') $('answer').focus();
        else if (state === 'calling') $('hangup').focus();
        else if (state === 'connected') $('mute').focus();
        else if (state === 'ended') $('dial-number').focus();
    }

    #makeKeypad() {
        $('keypad').append(
            ...DIGITS.map(([digit, letters]) => {
                const button = document.createElement('button');
                const small = document.createElement('small');
                button.type = 'button';
                button.dataset.digit = digit;
                button.append(digit, small);
                button.setAttribute('aria-label', { '*': 'star', '#': 'hash' }[digit] ?? digit);
                small.textContent = letters;
                return button;
            }),
        );
    }

    #wire() {
        const actions = this.#actions;
        const click = (id, action) => $(id).addEventListener('click', action);

        $('signin-form').addEventListener('submit', (event) => {
            event.preventDefault();
            actions.signIn($('dn').value.trim(), $('password').value);
        });
        $('dial-form').addEventListener('submit', (event) => {
            event.preventDefault();
            if (actions.dial($('dial-number').value)) $('dial-number').value = '';
        });
        $('keypad').addEventListener('click', (event) => {
            const digit = event.target.closest('[data-digit]')?.dataset.digit;
            if (digit) this.#digit(digit);
        });
        click('start-shift', () => actions.startShift());
        click('end-shift', () => actions.endShift());
        click('sign-out', () => actions.signOut());
        click('answer', () => actions.answer());
        click('hangup', () => actions.hangup());
        click('mute', () => actions.setMuted(!this.#state.muted));
        $('microphone').addEventListener('change', (event) => actions.chooseMicrophone(event.target.value));
        $('speaker').addEventListener('change', (event) => actions.chooseSpeaker(event.target.value));
    }

    // Each control has the name of its setting.
    #wireSettings(settings) {
        for (const control of document.querySelectorAll('[data-setting]')) {
            const name = control.dataset.setting;
            const box = control.type === 'checkbox';
            if (box) control.checked = settings[name];
            else control.value = settings[name];
            control.addEventListener(box ? 'change' : 'input', () => this.#actions.setting(name, box ? control.checked : Number(control.value)));
        }
    }

    #digit(digit) {
        if (this.#state.call.state === 'connected') this.#actions.digit(digit);
        else if (!$('dial-form').hidden) $('dial-number').value += digit;
    }

    // Escape declines or cancels, but does not end a conversation; m mutes; digits are tones during a call.
    #key(event) {
        const { state } = this.#state.call;

        if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
        if (event.key === 'Escape' && ['incoming', 'calling', 'ringing'].includes(state)) {
            event.preventDefault();
            this.#actions.hangup();
        } else if (state === 'connected' && !typing(event.target)) {
            if (event.key === 'm' || event.key === 'M') this.#actions.setMuted(!this.#state.muted);
            else if (/^[0-9*#]$/.test(event.key) && !event.repeat) this.#actions.digit(event.key);
        }
    }
}
