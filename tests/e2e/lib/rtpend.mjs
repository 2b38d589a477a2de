// Where the media of a call are: an RTP end with an address of its own, of which SIP Server only tells. Echoes, plays a tone, counts, hears
// digits. It describes itself as endpoints behind SIP Server do: codec names in small letters, several of them in an offer.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { RATE } from './audio.mjs';
import { until } from './wait.mjs';

const FRAME = RATE / 50;
const KEYS = '0123456789*#ABCD';
const EVENT = 101;
const LINES = {
    0: ['rtpmap:0 pcmu/8000'],
    8: ['rtpmap:8 pcma/8000'],
    9: ['rtpmap:9 g722/8000'],
    18: ['rtpmap:18 g729/8000', 'fmtp:18 annexb=yes'],
    96: ['rtpmap:96 telephone-event/8000', 'fmtp:96 0-15'],
    97: ['rtpmap:97 iLBC/8000', 'fmtp:97 mode=20'],
    100: ['rtpmap:100 opus/48000/2', 'fmtp:100 useinbandfec=1'],
    107: ['rtpmap:107 OPUS/48000/2'],
    101: ['rtpmap:101 telephone-event/8000', 'fmtp:101 0-15'],
};
const NOWHERE = '0.0.0.0';
const WAIT_MS = 60000; // on a busy machine

let last = 1; // the last number of an address that open() gave

export class RtpEnd {
    #socket = dgram.createSocket('udp4');
    #to = null;
    #pt = 0; // what is sent
    #event = EVENT;
    #seq = 0;
    #clock = 0;
    #voice = {};
    #player = null;
    #ssrc = Math.floor(Math.random() * 0xffffffff);
    #closed = false;
    echo = false;
    received = 0; // audio packets
    lengths = new Set(); // of their payloads
    loud = 0; // those of them that hold more than near silence
    events = new Map(); // RFC 4733 by timestamp: {digit, duration, ended}
    sources = new Set(); // "address:port" of what came

    // address null: one of the loopback that no other end has.
    // speaks: the payload types of the codecs that it has; those of G.722 and Opus (9, 100, 107) it can only send back.
    static async open({ address = null, echo = false, speaks = [0, 8] } = {}) {
        const end = new RtpEnd();

        end.speaks = speaks;
        end.address = address ?? `127.0.0.${(last = last >= 250 ? 2 : last + 1)}`;
        end.echo = echo;
        end.#socket.on('message', (data, from) => end.#took(data, from));
        end.#socket.bind(0, end.address);
        await once(end.#socket, 'listening');
        end.port = end.#socket.address().port;
        return end;
    }

    close() {
        this.#closed = true;
        clearInterval(this.#player);
        this.#socket.close();
    }

    // An offer. codecs: payload types in order; version: SIP Server may leave it as it was though the rest has changed.
    offer({ codecs = [8, 0, 18, 97, EVENT], direction = '', address = this.address, version = 1 } = {}) {
        return describe({ address, origin: this.address, port: this.port, codecs, lines: codecs.flatMap((pt) => LINES[pt]), direction, version });
    }

    // Answers the gateway's offer with one codec of ours that it has, and telephone-event; sends there from now on. What it holds is held.
    answer(sdp, { codec = null, direction = null, address = this.address, version = 1 } = {}) {
        const theirs = read(sdp);
        const turned = direction ?? { sendonly: 'recvonly', recvonly: 'sendonly', inactive: 'inactive' }[theirs.direction] ?? '';
        const pt = codec ?? theirs.codecs.find((n) => this.speaks.includes(n));
        const codecs = theirs.event === null ? [pt] : [pt, theirs.event];
        const lines = [...LINES[pt], ...(theirs.event === null ? [] : [`rtpmap:${theirs.event} telephone-event/8000`, `fmtp:${theirs.event} 0-15`])];

        this.take(sdp, pt);
        return describe({ address, origin: this.address, port: this.port, codecs, lines, direction: turned, version });
    }

    // Sends where this description says.
    take(sdp, pt = null) {
        const theirs = read(sdp);

        this.#to = theirs.address === NOWHERE || /sendonly|inactive/.test(theirs.direction) ? null : theirs;
        this.#pt = pt ?? theirs.codecs.find((n) => this.speaks.includes(n));
        this.#event = theirs.event ?? EVENT;
    }

    // A tone until play(null).
    play(hz) {
        clearInterval(this.#player);
        if (!hz) return;
        const encode = this.#pt === 8 ? alaw : mulaw;
        let n = 0;
        let due = performance.now();
        this.#player = setInterval(() => {
            for (; due <= performance.now(); due += 20) {
                const wave = Array.from({ length: FRAME }, () => encode(0.25 * Math.sin((2 * Math.PI * hz * n++) / RATE)));
                this.#speak(Buffer.from(wave), Math.round((due * RATE) / 1000), 'player');
            }
        }, 10);
    }

    // Until audio comes, that somebody says.
    async hears(what = 'somebody who speaks', packets = 10) {
        const from = this.loud;
        await until(() => this.loud >= from + packets, WAIT_MS, `${this.address} hears ${what}`);
    }

    get digits() {
        return [...this.events.values()].map(({ digit }) => digit).join('');
    }

    async hearsDigits(digits) {
        await until(() => [...this.events.values()].filter(({ ended }) => ended).length >= digits.length, WAIT_MS, `the end of ${digits}, of ${this.digits}`);
        assert.equal(this.digits, digits);
    }

    // Presses keys: RFC 4733, each 100 ms long.
    async press(digits) {
        for (const digit of digits) {
            const at = (this.#clock += FRAME);
            for (let n = 1; n <= 7; n++) {
                const event = Buffer.from([KEYS.indexOf(digit), n > 4 ? 0x8a : 0x0a, 0, 0]);
                event.writeUInt16BE(Math.min(n, 5) * FRAME, 2);
                this.#send(this.#event | (n === 1 ? 0x80 : 0), at, event);
                if (n < 5) await new Promise((resolve) => setTimeout(resolve, 20));
            }
            this.#clock += 8 * FRAME;
            await new Promise((resolve) => setTimeout(resolve, 60));
        }
    }

    #took(packet, from) {
        const type = packet[1] & 0x7f;

        this.sources.add(`${from.address}:${from.port}`);
        if (type === 0 || type === 8) {
            const payload = packet.subarray(12);
            this.received++;
            this.lengths.add(payload.length);
            // The sign and the three bits of the segment say how loud it is (ITU-T G.711).
            const loud = payload.reduce((n, byte) => n + ((type === 8 ? byte ^ 0x55 : ~byte) & 0x40 ? 1 : 0), 0);
            if (loud > 8) this.loud++;
            if (this.echo) this.#speak(payload, packet.readUInt32BE(4), 'echo');
        } else if (this.speaks.includes(type)) {
            this.received++;
            this.lengths.add(packet.length - 12);
            this.loud++; // who knows
            if (this.echo) this.#speak(packet.subarray(12), packet.readUInt32BE(4), 'echo');
        } else if (packet.length >= 16) {
            const timestamp = packet.readUInt32BE(4);
            this.events.set(timestamp, {
                digit: KEYS[packet[12]],
                ended: Boolean(packet[13] & 0x80) || Boolean(this.events.get(timestamp)?.ended),
                duration: packet.readUInt16BE(14),
            });
        }
    }

    // at: when the frame is due by the clock of where it comes from: lib/farend.mjs
    #speak(payload, at, from) {
        const starts = from !== this.#voice.from || Math.abs((at - this.#voice.at) | 0) > RATE;

        this.#clock += starts ? FRAME : (at - this.#voice.at) | 0;
        this.#voice = { from, at };
        this.#send(this.#pt | (starts ? 0x80 : 0), this.#clock, payload);
    }

    #send(type, clock, payload) {
        const head = Buffer.alloc(12);

        if (!this.#to || this.#closed) return;
        head[0] = 0x80;
        head[1] = type;
        head.writeUInt16BE(this.#seq++ & 0xffff, 2);
        head.writeUInt32BE(clock >>> 0, 4);
        head.writeUInt32BE(this.#ssrc, 8);
        this.#socket.send(Buffer.concat([head, payload]), this.#to.port, this.#to.address);
    }
}

// What an SDP says of its audio.
export function read(sdp) {
    const event = /a=rtpmap:(\d+) telephone-event\/8000/i.exec(sdp);

    return {
        address: /c=IN IP4 (\S+)/.exec(sdp)[1],
        port: Number(/m=audio (\d+)/.exec(sdp)[1]),
        codecs: /m=audio \d+ \S+ ([\d ]+)/.exec(sdp)[1].trim().split(' ').map(Number),
        event: event && Number(event[1]),
        direction: /a=(sendonly|recvonly|inactive|sendrecv)/.exec(sdp)?.[1] ?? '',
        version: Number(/o=\S+ \d+ (\d+)/.exec(sdp)[1]),
    };
}

function describe({ address, origin, port, codecs, lines, direction, version }) {
    return [
        'v=0',
        `o=- 1183417 ${version} IN IP4 ${address === NOWHERE ? NOWHERE : origin}`,
        's=phone-call',
        `c=IN IP4 ${address}`,
        't=0 0',
        `m=audio ${port} RTP/AVP ${codecs.join(' ')}`,
        ...lines.map((line) => `a=${line}`),
        ...(direction ? [`a=${direction}`] : []),
        '',
    ].join('\r\n');
}

// ITU-T G.711, -1..1 to one byte.
function mulaw(v) {
    const x = Math.min(Math.round(Math.abs(v) * 32767) + 132, 32767);
    const exponent = 31 - Math.clz32(x) - 7;

    return ~((v < 0 ? 0x80 : 0) | (exponent << 4) | ((x >> (exponent + 3)) & 15)) & 0xff;
}

function alaw(v) {
    const x = Math.min(Math.round(Math.abs(v) * 32767), 32767) >> 3;
    const exponent = x < 32 ? 0 : 31 - Math.clz32(x) - 4;
    const mantissa = (x >> Math.max(exponent, 1)) & 15;

    return ((v < 0 ? 0 : 0x80) | (exponent << 4) | mantissa) ^ 0x55;
}
