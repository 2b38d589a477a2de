// The console's live push, GET /api/admin/v1/events, as a browser hears it.
//   const events = await listen(server, { cookie });    // of signIn()
//   events.topics.calls                                  // Map by id, kept up to date; status is the whole object
//   await events.next((message) => …)                    // the next message that fits, in order
import { randomBytes } from 'node:crypto';
import tls from 'node:tls';

const keyOf = { calls: 'id', registrations: 'dn', trunks: 'name' };

class Events {
    messages = [];
    topics = { status: null, calls: new Map(), registrations: new Map(), trunks: new Map() };
    closed = null; // code
    bytes = 0;
    #input = Buffer.alloc(0);
    #waiting = [];

    constructor(socket) {
        this.socket = socket;
        socket.on('data', (data) => this.#read(data));
        socket.on('close', () => { this.closed ??= 1006; this.#look(); });
        socket.on('error', () => {});
    }
    close() {
        this.socket.destroy();
    }
    next(fits, ms = 15000) {
        return new Promise((resolve, reject) => {
            const look = () => {
                const i = this.messages.findIndex(fits);
                if (i < 0) return false;
                clearTimeout(timer);
                resolve(this.messages.splice(0, i + 1).pop());
                return true;
            };
            const timer = setTimeout(() => {
                this.#waiting = this.#waiting.filter((l) => l !== look);
                reject(new Error(`no such message; the last: ${JSON.stringify(this.messages.slice(-3)).slice(0, 1000)}`));
            }, ms);
            if (!look()) this.#waiting.push(look);
        });
    }
    // Resolves with the code when the server has closed it.
    async end(ms = 15000) {
        for (const until = Date.now() + ms; !this.closed; await new Promise((resolve) => setTimeout(resolve, 50)))
            if (Date.now() > until) throw new Error('it was not closed');
        return this.closed;
    }

    #look() {
        this.#waiting = this.#waiting.filter((look) => !look());
    }
    #read(data) {
        this.bytes += data.length;
        this.#input = Buffer.concat([this.#input, data]);
        for (;;) {
            const input = this.#input;
            if (input.length < 2) return;
            let n = input[1] & 127, at = 2;
            if (n === 126) { if (input.length < 4) return; n = input.readUInt16BE(2); at = 4; }
            else if (n === 127) { if (input.length < 10) return; n = Number(input.readBigUInt64BE(2)); at = 10; }
            if (input.length < at + n) return;
            const opcode = input[0] & 15, body = input.subarray(at, at + n);
            this.#input = input.subarray(at + n);
            if (opcode === 8) this.closed = body.length >= 2 ? body.readUInt16BE(0) : 1005;
            if (opcode === 9) this.socket.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]));
            if (opcode === 1) this.#took(JSON.parse(body.toString()));
        }
    }
    #took(message) {
        const { topic, data, set = [], gone = [] } = message, key = keyOf[topic];

        if (topic === 'status') this.topics.status = data;
        else {
            if (data) this.topics[topic] = new Map();
            for (const item of data?.items ?? set) this.topics[topic].set(item[key], item);
            for (const name of gone) this.topics[topic].delete(name);
        }
        this.messages.push(message);
        this.#look();
    }
}

// Resolves to Events, or rejects with the status that refused it.
export async function listen(server, { cookie = '', origin, protocol = 'dngate-events' } = {}) {
    const { https } = server.ports;
    const socket = tls.connect({ port: https, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false });
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    socket.write([
        'GET /api/admin/v1/events HTTP/1.1', `Host: localhost:${https}`, 'Upgrade: websocket', 'Connection: Upgrade',
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`, 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Protocol: ${protocol}`,
        ...(origin === null ? [] : [`Origin: ${origin ?? `https://localhost:${https}`}`]), ...(cookie ? [`Cookie: ${cookie}`] : []), '', ''].join('\r\n'));
    let head = Buffer.alloc(0);
    const end = await new Promise((resolve, reject) => {
        const took = (data) => {
            head = Buffer.concat([head, data]);
            const i = head.indexOf('\r\n\r\n');
            if (i < 0) return;
            socket.off('data', took);
            resolve(i + 4);
        };
        socket.on('data', took).once('close', () => reject(new Error('closed before the answer')));
    });
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head.toString())?.[1]);
    if (status !== 101) {
        socket.destroy();
        throw Object.assign(new Error(`refused: ${status}`), { status });
    }
    const events = new Events(socket);
    if (head.length > end) socket.emit('data', head.subarray(end));
    return events;
}
