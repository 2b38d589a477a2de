// The media side of a browser that can be broken on purpose: ICE (RFC 8445, as the controlling side) by ourselves, DTLS by OpenSSL, no audio.
import { spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';

const COOKIE = 0x2112a442, REQUEST = 0x0001, SUCCESS = 0x0101;
const USERNAME = 0x0006, INTEGRITY = 0x0008, XOR_MAPPED = 0x0020, PRIORITY = 0x0024, USE_CANDIDATE = 0x0025, FINGERPRINT = 0x8028, CONTROLLING = 0x802a;
const CHECK_MS = 500;

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => { for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1; return n >>> 0; });
const crc = (data) => (data.reduce((c, byte) => crcTable[(c ^ byte) & 255] ^ (c >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0;
const u32 = (...numbers) => Buffer.concat(numbers.map((n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n >>> 0); return b; }));
const fit = (head, length) => { head.writeUInt16BE(length - 20, 2); return head; };

function attribute(type, value) {
    const head = Buffer.alloc(4);
    head.writeUInt16BE(type, 0);
    head.writeUInt16BE(value.length, 2);
    return Buffer.concat([head, value, Buffer.alloc(-value.length & 3)]);
}

// With MESSAGE-INTEGRITY and FINGERPRINT, as ICE wants them.
function stun(type, id, attributes, key) {
    const head = Buffer.alloc(20);
    head.writeUInt16BE(type, 0);
    head.writeUInt32BE(COOKIE, 4);
    id.copy(head, 8);
    let text = Buffer.concat([head, ...attributes.map(([t, v]) => attribute(t, v))]);
    fit(text, text.length + 24);
    text = Buffer.concat([text, attribute(INTEGRITY, createHmac('sha1', key).update(text).digest())]);
    fit(text, text.length + 8);
    return Buffer.concat([text, attribute(FINGERPRINT, u32(crc(text) ^ 0x5354554e))]);
}

export class IcePeer {
    silent = false; // nothing that comes is heard or answered any more
    checked = 0; // requests of the gateway's that were answered
    #ufrag = randomBytes(4).toString('hex');
    #pwd = randomBytes(16).toString('hex');

    // files: {certificate, key} of who answers DTLS; without them nobody does.
    static async open(files) {
        const peer = new IcePeer();
        peer.socket = dgram.createSocket('udp4').on('message', (data, from) => peer.#took(data, from));
        peer.socket.bind(0, '127.0.0.1');
        await once(peer.socket, 'listening');
        if (files) await peer.#handshakes(files);
        return peer;
    }
    close() {
        clearInterval(this.checking);
        this.openssl?.kill();
        this.inner?.close();
        this.socket.close();
    }

    // DTLS goes from port to port: OpenSSL sits behind ours.
    async #handshakes({ certificate, key }) {
        const free = dgram.createSocket('udp4');
        free.bind(0, '127.0.0.1');
        await once(free, 'listening');
        const { port } = free.address();
        free.close();
        await once(free, 'close');
        this.openssl = spawn('openssl', ['s_server', '-dtls1_2', '-accept', `127.0.0.1:${port}`, '-cert', certificate, '-key', key, '-verify', '1', '-use_srtp', 'SRTP_AES128_CM_SHA1_80'],
                             { stdio: ['pipe', 'pipe', 'ignore'] });
        this.inner = dgram.createSocket('udp4').on('message', (data) => this.silent || this.socket.send(data, this.remote.port, this.remote.address));
        this.inner.bind(0, '127.0.0.1');
        await once(this.inner, 'listening');
        this.inner.connect(port, '127.0.0.1');
        await once(this.inner, 'connect');
        this.inner.on('error', () => {}); // refused: what comes again finds it
        for (let text = ''; !text.includes('ACCEPT'); ) text += (await once(this.openssl.stdout, 'data'))[0];
    }

    offer(fingerprint) {
        const { port } = this.socket.address();
        return 'v=0\r\no=- 5021 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=audio ' + `${port} UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 127.0.0.1\r\n` +
               `a=candidate:1 1 udp 2130706431 127.0.0.1 ${port} typ host generation 0\r\na=ice-ufrag:${this.#ufrag}\r\na=ice-pwd:${this.#pwd}\r\n` +
               `a=fingerprint:sha-256 ${fingerprint}\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:0 PCMU/8000\r\n`;
    }

    // From the gateway's answer on.
    begin(answer) {
        const get = (pattern) => pattern.exec(answer)[1];
        const [, address, port] = /a=candidate:\S+ 1 udp \d+ (127\.0\.0\.1) (\d+) typ host/i.exec(answer);
        const name = Buffer.from(`${get(/a=ice-ufrag:(\S+)/)}:${this.#ufrag}`), key = get(/a=ice-pwd:(\S+)/);
        const tie = randomBytes(8);

        this.remote = { address, port: Number(port) };
        const check = () => this.silent || this.socket.send(stun(REQUEST, randomBytes(12), [[USERNAME, name], [PRIORITY, u32(1853824767)], [CONTROLLING, tie], [USE_CANDIDATE, Buffer.alloc(0)]], key),
                                                            this.remote.port, address);
        this.checking = setInterval(check, CHECK_MS);
        check();
    }

    #took(data, from) {
        if (this.silent || data.length < 20) return;
        if (data[0] >= 20 && data[0] < 64) this.inner?.send(data);
        if (data.readUInt32BE(4) !== COOKIE || data.readUInt16BE(0) !== REQUEST) return;
        const mapped = Buffer.concat([Buffer.from([0, 1, 0, 0]), u32(Buffer.from(from.address.split('.').map(Number)).readUInt32BE() ^ COOKIE)]);
        mapped.writeUInt16BE(from.port ^ (COOKIE >>> 16), 2);
        this.socket.send(stun(SUCCESS, data.subarray(8, 20), [[XOR_MAPPED, mapped]], this.#pwd), from.port, from.address);
        this.checked++;
    }
}
