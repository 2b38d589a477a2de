// A SIP Server with audio for one call at a time: calls, or answers what is dialled, echoes or plays a tone, hears digits, holds, is hung
// up on.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import { format, parse, reply, token } from '../../ui/lib/sip.mjs';
import { RATE } from './audio.mjs';
import { until } from './wait.mjs';

const PCMU = 0;
const TELEPHONE_EVENT = 101;
const FRAME = RATE / 50;
const EVENTS = '0123456789*#ABCD';

// Emits each request by its method in small letters: invite, ack, bye, info …
export class FarEnd extends EventEmitter {
    #sip = dgram.createSocket('udp4');
    #rtp = dgram.createSocket('udp4');
    #answers = new Map(); // to requests that may be sent again
    #waiting = new Map(); // by CSeq, our own requests
    #dialog = null;
    #peer = null; // where the gateway's audio comes from
    #sent = 0;
    #clock = 0; // of what we sent last
    #voice = {}; // whose it was, and when by that one's clock
    #player = null;
    echo = true;
    received = 0; // audio packets
    beeps = 0; // of them, that are neither silence nor speech that changes: the line is alive (appliance/media/path_away.h)
    #beeping = 0;
    methods = []; // of all requests
    events = new Map(); // RFC 4733 by timestamp: {digit, duration, ended}

    static async open(port) {
        const far = new FarEnd();

        far.#sip.on('message', (data, from) => far.#took(parse(String(data)), from));
        far.#rtp.on('message', (data, from) => far.#heard(data, from));
        for (const [socket, at] of [[far.#sip, port], [far.#rtp, 0]]) {
            socket.bind(at, '127.0.0.1');
            await once(socket, 'listening');
        }
        far.port = port;
        return far;
    }

    close() {
        this.play(null);
        this.#sip.close();
        this.#rtp.close();
    }

    async next(event, ms = 10000) {
        const [value] = await once(this, event, { signal: AbortSignal.timeout(ms) });
        return value;
    }

    get digits() {
        return [...this.events.values()].map(({ digit }) => digit).join('');
    }

    // Until the digits have come to their end, each once and of a length that a person presses.
    async hears(digits) {
        await until(() => [...this.events.values()].filter(({ ended }) => ended).length >= digits.length, 10000, `the end of ${digits}`);
        assert.equal(this.digits, digits);
        for (const { digit, duration } of this.events.values())
            assert.ok(duration >= 640 && duration <= 2400, `${digit}: ${duration} units of a timestamp`);
    }

    // Calls a DN of the gateway, {address, port}; resolves with its answer. Audio flows from then on.
    async call(dn, gateway, headers = []) {
        this.#dialog = {
            tag: token(),
            from: gateway,
            cseq: 0,
            target: `sip:${dn}@${gateway.address}:${gateway.port}`,
            remote: `<sip:${dn}@${gateway.address}>`,
            id: token(),
        };
        this.#dialog.local = `"Ada Lovelace" <sip:7001@127.0.0.1>;tag=${this.#dialog.tag}`;
        const answer = await this.#request('INVITE', [['Content-Type', 'application/sdp'], ...headers], this.#sdp(), 60000);

        if (answer.status === 200) {
            this.#dialog.remote = answer.get('To');
            this.#dialog.target = /<([^>]+)>/.exec(answer.get('Contact'))[1];
            this.#peer = { address: /c=IN IP4 (\S+)/.exec(answer.body)[1], port: Number(/m=audio (\d+)/.exec(answer.body)[1]) };
        }
        this.#send('ACK', this.#dialog.cseq);
        return answer;
    }

    hangup() {
        return this.#request('BYE', [], '');
    }

    // Offers anew in the call; resolves with the gateway's answer.
    async reinvite(direction) {
        const answer = await this.#request('INVITE', [['Content-Type', 'application/sdp']], this.#sdp(direction));

        this.#send('ACK', this.#dialog.cseq);
        return answer;
    }

    // A tone until play(null). Frames that were due while this process slept follow at once.
    play(hz) {
        clearInterval(this.#player);
        if (!hz) return;
        let n = 0;
        let due = performance.now();
        this.#player = setInterval(() => {
            for (; due <= performance.now(); due += 20) {
                const wave = Array.from({ length: FRAME }, () => mulaw(0.25 * Math.sin((2 * Math.PI * hz * n++) / RATE)));
                this.#speak(Buffer.from(wave), Math.round((due * RATE) / 1000), 'player');
            }
        }, 10);
    }

    #took(msg, from) {
        if (msg.status) return this.#waiting.get(Number.parseInt(msg.get('CSeq'), 10))?.(msg);
        const key = `${msg.get('Via')} ${msg.method}`;
        const again = this.#answers.get(key);
        if (again) return this.#sip.send(again, from.port, from.address);
        this.methods.push(msg.method);
        if (msg.method !== 'ACK') this.#answer(msg, from, key);
        return this.emit(msg.method.toLowerCase(), msg);
    }

    #answer(msg, from, key) {
        const invite = msg.method === 'INVITE';
        if (invite && !/;tag=/.test(msg.get('To'))) this.#begin(msg, from);
        const headers = invite ? [['Contact', `<sip:far@127.0.0.1:${this.port}>`]] : [];
        const text = reply(msg, 200, 'OK', { tag: this.#dialog?.tag ?? token(), headers, body: invite ? this.#sdp() : '' });

        this.#answers.set(key, text);
        this.#sip.send(text, from.port, from.address);
    }

    #begin(invite, from) {
        const tag = token();

        this.#dialog = {
            tag,
            from,
            cseq: 0,
            target: /<([^>]+)>/.exec(invite.get('Contact'))[1],
            local: `${invite.get('To')};tag=${tag}`,
            remote: invite.get('From'),
            id: invite.get('Call-ID'),
        };
        this.#peer = { address: '127.0.0.1', port: Number(/m=audio (\d+)/.exec(invite.body)[1]) };
    }

    #request(method, headers, body, ms = 5000) {
        const cseq = ++this.#dialog.cseq;

        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new Error(`no answer to ${method}`)), ms);
            this.#waiting.set(cseq, (msg) => {
                if (msg.status < 200) return;
                clearTimeout(timer);
                this.#waiting.delete(cseq);
                resolve(msg);
            });
            this.#send(method, cseq, headers, body);
        });
    }

    #send(method, cseq, headers = [], body = '') {
        const { target, local, remote, id, from } = this.#dialog;
        const head = [
            ['Via', `SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK${token()}`],
            ['Max-Forwards', '70'],
            ['From', local],
            ['To', remote],
            ['Call-ID', id],
            ['CSeq', `${cseq} ${method}`],
            ['Contact', `<sip:far@127.0.0.1:${this.port}>`],
        ];

        this.#sip.send(format(`${method} ${target} SIP/2.0`, [...head, ...headers], body), from.port, from.address);
    }

    #sdp(direction = 'sendrecv') {
        return [
            'v=0',
            `o=- 1 ${1 + (this.#dialog?.cseq ?? 0)} IN IP4 127.0.0.1`,
            's=-',
            'c=IN IP4 127.0.0.1',
            't=0 0',
            `m=audio ${this.#rtp.address().port} RTP/AVP ${PCMU} ${TELEPHONE_EVENT}`,
            `a=rtpmap:${PCMU} PCMU/8000`,
            `a=rtpmap:${TELEPHONE_EVENT} telephone-event/8000`,
            `a=${direction}`,
            '',
        ].join('\r\n');
    }

    #heard(packet, from) {
        const type = packet[1] & 0x7f;

        this.#peer = from;
        if (type === TELEPHONE_EVENT) this.#event(packet.readUInt32BE(4), packet.subarray(12));
        if (type !== PCMU) return;
        this.received++;
        this.#listen(packet.subarray(12));
        if (this.echo) this.#speak(packet.subarray(12), packet.readUInt32BE(4), 'echo');
    }

    // A frame of 425 Hz at -25 dBm0 behind frames of silence.
    #listen(frame) {
        const tone = Math.max(...Array.from(frame, (byte) => Math.abs(linear(byte))));

        if (tone < 0.001) this.#beeping = 1;
        else {
            if (this.#beeping && tone > 0.02 && tone < 0.08) this.beeps++;
            this.#beeping = 0;
        }
    }

    #event(timestamp, payload) {
        this.events.set(timestamp, {
            digit: EVENTS[payload[0]],
            ended: Boolean(payload[1] & 0x80) || Boolean(this.events.get(timestamp)?.ended),
            duration: payload.readUInt16BE(2),
        });
    }

    // at: when the frame is due on the clock of where it comes from, in samples: however late this process is, time keeps its order. When
    // that is another one, ours has gone on meanwhile, and the marker says that speech starts (RFC 3551 4.1).
    #speak(payload, at, from) {
        const starts = from !== this.#voice.from || Math.abs((at - this.#voice.at) | 0) > RATE;
        const now = Math.round((performance.now() * RATE) / 1000);
        const ahead = starts ? Math.max(FRAME, now - this.#clock) : at - this.#voice.at;
        const head = Buffer.from([0x80, PCMU | (starts ? 0x80 : 0), 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);

        this.#voice = { from, at };
        this.#clock += ahead | 0;
        head.writeUInt16BE(this.#sent++ & 0xffff, 2);
        head.writeUInt32BE(this.#clock >>> 0, 4);
        this.#rtp.send(Buffer.concat([head, payload]), this.#peer.port, this.#peer.address);
    }
}

// ITU-T G.711, one byte to -1..1.
function linear(byte) {
    const x = ~byte & 0xff;
    const value = (((x & 15) << 3) + 132 << ((x >> 4) & 7)) - 132;

    return (x & 0x80 ? -value : value) / 32768;
}

// -1..1 to one byte.
function mulaw(v) {
    const x = Math.min(Math.round(Math.abs(v) * 32767) + 132, 32767);
    const exponent = 31 - Math.clz32(x) - 7;

    return ~((v < 0 ? 0x80 : 0) | (exponent << 4) | ((x >> (exponent + 3)) & 15)) & 0xff;
}
