// A TURN client that says what coturn's cannot, by UDP, TCP and TLS.
import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import net from 'node:net';
import tls from 'node:tls';

export const BINDING = 0x0001, ALLOCATE = 0x0003, REFRESH = 0x0004, PERMIT = 0x0008, CHANNEL_BIND = 0x0009;
const MAGIC = 0x2112a442, WAIT_MS = 60000 /* for what certainly comes */;
export const REALM = 'dngate';
export const attribute = (type, value) => {
    const head = Buffer.alloc(4);
    head.writeUInt16BE(type, 0);
    head.writeUInt16BE(value.length, 2);
    return Buffer.concat([head, value, Buffer.alloc(-value.length & 3)]);
};
export const TRANSPORT_UDP = attribute(0x0019, Buffer.from([17, 0, 0, 0]));
// An IPv6 one is XORed with the transaction id, too: it is made when that is known.
export const peerAddress6 = (hex, port) => (head) => {
    const v = Buffer.concat([Buffer.from([0, 2, 0, 0]), Buffer.from(hex, 'hex')]);
    v.writeUInt16BE(port ^ (MAGIC >>> 16), 2);
    for (let i = 0; i < 16; i++) v[4 + i] ^= head[4 + i];
    return attribute(0x0012, v);
};
export const peerAddress = (ip, port) => {
    const v = Buffer.alloc(8);
    v[1] = 1;
    v.writeUInt16BE(port ^ (MAGIC >>> 16), 2);
    v.writeUInt32BE((ip.split('.').reduce((n, byte) => n * 256 + Number(byte), 0) ^ MAGIC) >>> 0, 4);
    return attribute(0x0012, v);
};

export function message(method, attributes, { nonce, password, user } = {}) {
    const head = Buffer.alloc(20);

    head.writeUInt16BE(method, 0);
    head.writeUInt32BE(MAGIC, 4);
    randomBytes(12).copy(head, 8);
    let body = Buffer.concat(attributes.map((a) => (typeof a === 'function' ? a(head) : a)));
    if (nonce) {
        const key = createHash('md5').update(`${user}:${REALM}:${password}`).digest();
        body = Buffer.concat([body, attribute(0x0006, Buffer.from(user)), attribute(0x0014, Buffer.from(REALM)), attribute(0x0015, nonce)]);
        head.writeUInt16BE(body.length + 24, 2);
        body = Buffer.concat([body, attribute(0x0008, createHmac('sha1', key).update(head).update(body).digest())]);
    }
    head.writeUInt16BE(body.length, 2);
    return Buffer.concat([head, body]);
}

export function parsed(p) {
    const found = new Map();

    for (let at = 20; at + 4 <= p.length;) {
        const n = p.readUInt16BE(at + 2);
        found.set(p.readUInt16BE(at), p.subarray(at + 4, at + 4 + n));
        at += 4 + ((n + 3) & ~3);
    }
    const error = found.get(0x0009);
    return { type: p.readUInt16BE(0), id: p.toString('hex', 8, 20), attributes: found, code: error ? error[2] * 100 + error[3] : 0 };
}

// { ask(method, attributes, credentials), write(bytes), ended, close() }; ask resolves to the answer, parsed. onData(payload) is called for each
// ChannelData.
function client(socket, { stream, user, password, onData }) {
    const waiting = new Map();
    let rest = Buffer.alloc(0);
    const taken = (p) => {
        const answer = parsed(p);
        waiting.get(answer.id)?.(answer);
        waiting.delete(answer.id);
    };
    socket.unref(); // a test that failed need not close it
    const self = { ended: false, heard: 0, torn: false, socket, close: () => (stream ? socket.destroy() : socket.close()) };

    // ChannelData is counted, and whether it is as it was sent.
    const channelData = (p) => {
        self.heard++;
        onData?.(p.subarray(4, 4 + p.readUInt16BE(2)));
        self.torn ||= !p.subarray(4).every((byte) => byte === p[4]);
    };
    const length = (p) => (p[0] & 0x40 ? (p.readUInt16BE(2) + 7) & ~3 : p.readUInt16BE(2) + 20);
    if (stream) {
        socket.on('data', (data) => {
            for (rest = Buffer.concat([rest, data]); rest.length >= 4 && rest.length >= length(rest);) {
                const one = rest.subarray(0, length(rest));
                rest = rest.subarray(one.length);
                (one[0] & 0x40 ? channelData : taken)(one);
            }
        });
        socket.on('error', () => {});
        socket.on('close', () => (self.ended = true));
    } else {
        socket.on('message', (p) => (p[0] & 0x40 ? channelData : taken)(p));
    }
    self.write = (bytes) => (stream ? socket.write(bytes) : socket.send(bytes));
    self.ask = (method, attributes = [], credentials) => {
        const bytes = message(method, attributes, credentials && { user, password, ...credentials });
        const id = bytes.toString('hex', 8, 20);

        self.write(bytes);
        const again = stream ? undefined : setInterval(() => self.write(bytes), 1000); // as UDP's clients do
        return new Promise((resolve, reject) => {
            const late = setTimeout(() => reject(new Error(`no answer to ${method} within ${WAIT_MS} ms`)), WAIT_MS);

            waiting.set(id, (answer) => {
                clearInterval(again);
                clearTimeout(late);
                resolve(answer);
            });
        });
    };
    return self;
}

export const once = (emitter, event) => new Promise((resolve, reject) => emitter.once(event, resolve).once('error', reject));

// by.udp(port, { user, password }), by.tcp, by.tls (and options of tls.connect).
export const by = {
    async udp(port, options) {
        const socket = dgram.createSocket('udp4');
        socket.connect(port, '127.0.0.1');
        await once(socket, 'connect');
        return client(socket, { stream: false, ...options });
    },
    async tcp(port, options) {
        const socket = net.connect(port, '127.0.0.1');
        await once(socket, 'connect');
        return client(socket, { stream: true, ...options });
    },
    async tls(port, options) {
        const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
        await once(socket, 'secureConnect');
        return Object.assign(client(socket, { stream: true, ...options }), { alpn: socket.alpnProtocol });
    },
};

// Its nonce; c.relayed is the port of its relayed address.
export async function allocated(c) {
    const challenge = await c.ask(ALLOCATE, [TRANSPORT_UDP]);
    assert.equal(challenge.code, 401);
    assert.equal(String(challenge.attributes.get(0x0014)), REALM);
    const nonce = Buffer.from(challenge.attributes.get(0x0015));
    const answer = await c.ask(ALLOCATE, [TRANSPORT_UDP], { nonce });
    assert.equal(answer.code, 0);
    c.relayed = answer.attributes.get(0x0016).readUInt16BE(2) ^ (MAGIC >>> 16);
    return nonce;
}
