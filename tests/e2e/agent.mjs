// A browser's SIP user agent without a browser: SIP over WSS as JsSIP sends it, driven by a test. No audio.
import { createHash, randomBytes } from 'node:crypto';
import tls from 'node:tls';

const md5 = (text) => createHash('md5').update(text).digest('hex');
const random = () => randomBytes(6).toString('hex');

export const sdp = (setup, dir = 'sendrecv') =>
    'v=0\r\no=- 5021 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n' +
    'm=audio 49203 UDP/TLS/RTP/SAVPF 111 0 8 126\r\nc=IN IP4 127.0.0.1\r\na=ice-ufrag:EsAw\r\n' +
    'a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=fingerprint:sha-256 ' +
    'D1:2C:BE:AD:C4:F6:64:5C:25:16:11:9C:AF:E7:0F:73:79:36:4E:9C:1E:15:54:39:0C:06:8B:ED:96:86:00:39\r\n' +
    `a=setup:${setup}\r\na=mid:0\r\na=${dir}\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\n` +
    'a=rtpmap:8 PCMA/8000\r\na=rtpmap:126 telephone-event/8000\r\n';

class Message {
    constructor(text) {
        const cut = text.indexOf('\r\n\r\n');
        this.lines = text.slice(0, cut).split('\r\n');
        this.body = text.slice(cut + 4);
        const [first, second] = this.lines[0].split(' ');
        this.code = first === 'SIP/2.0' ? Number(second) : 0;
        this.method = this.code ? this.header('CSeq').split(' ')[1] : first;
    }
    headers(name) {
        const prefix = name.toLowerCase() + ':';
        return this.lines.filter((l) => l.toLowerCase().startsWith(prefix)).map((l) => l.slice(prefix.length).trim());
    }
    header(name) {
        return this.headers(name)[0] ?? '';
    }
}

const transaction = (message) => (message.code >= 200 ? `${message.header('Call-ID')} ${message.header('CSeq')}` : '');

export class Agent {
    constructor(server, dn, password) {
        Object.assign(this, { server, dn, password, host: `${random()}.invalid`, queue: [], waiting: [], acked: new Set(), input: Buffer.alloc(0) });
    }

    // onInvite(message): answers calls by itself instead of leaving them to wait().
    async open() {
        const { https } = this.server.ports;
        this.socket = tls.connect({ port: https, host: this.server.host ?? '127.0.0.1', servername: 'localhost', rejectUnauthorized: false });
        await new Promise((resolve, reject) => this.socket.once('secureConnect', resolve).once('error', reject));
        this.socket.write(
            `GET /ws HTTP/1.1\r\nHost: localhost:${https}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
                `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n` +
                `Sec-WebSocket-Protocol: sip\r\nOrigin: https://localhost:${https}\r\n\r\n`);
        this.socket.on('data', (data) => this.#read(data));
        this.socket.on('error', () => {});
        await new Promise((resolve, reject) => {
            this.upgraded = resolve;
            this.socket.once('close', () => reject(new Error(`${this.dn}: closed before the answer`)));
        });
        return this.register();
    }
    close() {
        this.socket.destroy();
    }

    #read(data) {
        this.input = Buffer.concat([this.input, data]);
        if (this.upgraded) {
            const end = this.input.indexOf('\r\n\r\n');
            if (end < 0) return;
            this.input = this.input.subarray(end + 4);
            this.upgraded();
            this.upgraded = null;
        }
        while (this.input.length >= 2) {
            let n = this.input[1] & 0x7f, at = 2;
            if (n === 126 && this.input.length < 4) return;
            if (n === 126) { n = this.input.readUInt16BE(2); at = 4; }
            if (this.input.length < at + n) return;
            const opcode = this.input[0] & 15, text = this.input.subarray(at, at + n).toString();
            this.input = this.input.subarray(at + n);
            if (opcode === 9) this.#frame(10, text);
            if (opcode === 1 && text.trim()) this.#took(new Message(text));
        }
    }
    #frame(opcode, text) {
        const body = Buffer.from(text), mask = randomBytes(4);
        const head = Buffer.from(body.length < 126 ? [0x80 | opcode, 0x80 | body.length]
                                                   : [0x80 | opcode, 0xfe, body.length >> 8, body.length & 255]);
        for (let i = 0; i < body.length; i++) body[i] ^= mask[i & 3];
        this.socket.write(Buffer.concat([head, mask, body]));
    }
    #took(message) {
        if (this.acked.has(transaction(message))) return; // sent again before our ACK came
        if (this.auto?.(message)) return;
        this.queue.push(message);
        this.waiting = this.waiting.filter((look) => !look());
    }
    // The next message that is a code (of a method) or a method.
    wait(what, method, ms = 20000) {
        return new Promise((resolve, reject) => {
            const look = () => {
                const i = this.queue.findIndex((m) => (m.code || m.method) === what && (!method || m.method === method));
                if (i < 0) return false;
                clearTimeout(timer);
                resolve(this.queue.splice(0, i + 1).pop());
                return true;
            };
            const timer = setTimeout(() => {
                this.waiting = this.waiting.filter((l) => l !== look);
                reject(new Error(`${this.dn} waited for ${what} ${method ?? ''}; has ${this.queue.map((m) => m.lines[0])}`));
            }, ms);
            if (!look()) this.waiting.push(look);
        });
    }
    send(lines, body = '', type = 'application/sdp') {
        const head = body ? [`Content-Type: ${type}`] : [];
        this.#frame(1, [...lines, ...head, `Content-Length: ${body.length}`, '', body].join('\r\n'));
    }
    #contact() {
        return `<sip:${this.dn}@${this.host};transport=ws>`;
    }
    #request(method, uri, d, cseq, more = [], body = '', type) {
        this.send([`${method} ${uri} SIP/2.0`, `Via: SIP/2.0/WSS ${this.host};branch=${d.branch}`, 'Max-Forwards: 69',
                   `To: ${d.remote}`, `From: ${d.local}`, `Call-ID: ${d.id}`, `CSeq: ${cseq} ${method}`,
                   `Contact: ${this.#contact()}`, ...more], body, type);
    }

    async register() {
        const uri = 'sip:localhost', me = `<sip:${this.dn}@localhost>`;
        const d = { id: random(), local: `${me};tag=${random()}`, remote: me };
        const more = [`Contact: ${this.#contact()};reg-id=1;+sip.instance="<urn:uuid:${random()}>";expires=600`,
                      'Supported: path,gruu,outbound'];
        const once = (cseq, auth) => {
            d.branch = `z9hG4bK${random()}`;
            this.send([`REGISTER ${uri} SIP/2.0`, `Via: SIP/2.0/WSS ${this.host};branch=${d.branch}`, 'Max-Forwards: 69',
                       `To: ${d.remote}`, `From: ${d.local}`, `Call-ID: ${d.id}`, `CSeq: ${cseq} REGISTER`, ...more, ...auth]);
        };
        once(1, []);
        const challenge = (await this.wait(401, 'REGISTER')).headers('WWW-Authenticate').find((h) => /MD5/.test(h));
        const nonce = /nonce="([^"]+)"/.exec(challenge)[1], realm = /realm="([^"]+)"/.exec(challenge)[1];
        const response = md5([md5(`${this.dn}:${realm}:${this.password}`), nonce, '00000001', 'abc', 'auth',
                              md5(`REGISTER:${uri}`)].join(':'));
        once(2, [`Authorization: Digest algorithm=MD5, username="${this.dn}", realm="${realm}", nonce="${nonce}", uri="${uri}", ` +
                 `response="${response}", qop=auth, cnonce="abc", nc=00000001`]);
        await this.wait(200, 'REGISTER');
        return this;
    }

    // --- calls out ---
    call(to, more = [], offer = sdp('actpass')) {
        const d = { id: random(), cseq: 1, branch: `z9hG4bK${random()}`, uri: `sip:${to}@localhost` };
        Object.assign(d, { local: `<sip:${this.dn}@localhost>;tag=${random()}`, remote: `<${d.uri}>`, target: d.uri });
        this.#request('INVITE', d.uri, d, 1, more, offer);
        return d;
    }
    // Answer to our INVITE: enters its dialog, ACKs.
    ack(d, answer) {
        this.acked.add(transaction(answer));
        this.queue = this.queue.filter((m) => !this.acked.has(transaction(m)));
        d.remote = answer.header('To');
        if (answer.code < 300) {
            d.target = /<([^>]+)>/.exec(answer.header('Contact'))[1];
            d.branch = `z9hG4bK${random()}`;
        }
        this.#request('ACK', answer.code < 300 ? d.target : d.uri, d, d.cseq);
    }
    cancel(d, more = []) {
        this.#request('CANCEL', d.uri, d, d.cseq, more);
    }
    request(d, method, more = [], body = '', type = undefined) {
        d.branch = `z9hG4bK${random()}`;
        this.#request(method, d.target, d, ++d.cseq, more, body, type);
    }

    // --- calls in ---
    reply(request, code, phrase, more = [], body = '') {
        const to = request.header('To');
        request.tag ??= random();
        this.send([`SIP/2.0 ${code} ${phrase}`, ...request.headers('Via').map((v) => `Via: ${v}`), `From: ${request.header('From')}`,
                   `To: ${to}${/;tag=/.test(to) ? '' : `;tag=${request.tag}`}`, `Call-ID: ${request.header('Call-ID')}`,
                   `CSeq: ${request.header('CSeq')}`, `Contact: ${this.#contact()}`, ...more], body);
        return { id: request.header('Call-ID'), cseq: 100, local: `${to};tag=${request.tag}`, remote: request.header('From'),
                 target: /<([^>]+)>/.exec(request.header('Contact'))?.[1] };
    }
    answer(invite) {
        return this.reply(invite, 200, 'OK', [], sdp('active'));
    }
}
