// A SIP Server that does to each called number what a broken one does. No audio but what a number asks for.
import dgram from 'node:dgram';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';

const random = () => randomBytes(4).toString('hex');

async function socketAt(address, port = 0) {
    const socket = dgram.createSocket('udp4');
    socket.bind(port, address);
    await once(socket, 'listening');
    return socket;
}

export class BadTrunk {
    invites = []; // as they came
    #numbers = new Map(); // number → (trunk, request) → nothing
    #calls = new Map(); // those that were answered: Call-ID → their media

    static async open() {
        const trunk = new BadTrunk();
        trunk.socket = await socketAt('127.0.0.1');
        trunk.port = trunk.socket.address().port;
        trunk.socket.on('message', (data, from) => trunk.#took(String(data), from));
        return trunk;
    }
    close() {
        for (const id of this.#calls.keys()) this.#over(id);
        this.socket.close();
    }
    #over(id) {
        clearInterval(this.#calls.get(id)?.sending);
        this.#calls.get(id)?.media.close();
        this.#calls.delete(id);
    }
    on(number, does) {
        this.#numbers.set(number, does);
    }
    // An answer to the INVITE with this code.
    refuses(number, code, phrase, more = []) {
        this.on(number, (request) => request.reply(code, phrase, more));
    }
    // 200 OK whose SDP names that address; formats: "0 101" …; audio: packets come from this address every 20 ms, every second one so many ms late.
    answers(number, { address, formats = '0', maps = '', audio, late = 0 }) {
        this.on(number, async (request) => {
            const media = await socketAt(audio ?? '127.0.0.1'), call = { media };
            const port = media.address().port, to = Number(/m=audio (\d+)/.exec(request.text)[1]);
            let n = 0;
            this.#calls.set(request.id, call);
            if (audio)
                call.sending = setInterval(() => {
                    const packet = Buffer.alloc(172, 0xff);
                    packet.writeUInt16BE(0x8000, 0);
                    packet.writeUInt16BE(++n & 0xffff, 2);
                    packet.writeUInt32BE(n * 160, 4);
                    packet.writeUInt32BE(0x1234567, 8);
                    const send = () => this.#calls.has(request.id) && media.send(packet, to, '127.0.0.1');
                    if (late && n % 2) setTimeout(send, late);
                    else send();
                }, 20);
            request.reply(200, 'OK', [`Contact: <sip:trunk@127.0.0.1:${this.port}>`, 'Content-Type: application/sdp'],
                          `v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${port} RTP/AVP ${formats}\r\n${maps}`);
        });
    }

    // Calls the gateway: the code of its final answer.
    async calls(port, dn) {
        const id = random(), from = `<sip:+4930@127.0.0.1>;tag=${random()}`, via = `Via: SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK${random()}`;
        const request = (method, to) => [`${method} sip:${dn}@127.0.0.1 SIP/2.0`, via, 'Max-Forwards: 70', `From: ${from}`, `To: ${to}`, `Call-ID: ${id}`, `CSeq: 1 ${method}`,
                                         `Contact: <sip:trunk@127.0.0.1:${this.port}>`, 'Content-Length: 0', '', ''].join('\r\n');
        return new Promise((resolve) => {
            const answer = (data) => {
                const text = String(data), code = Number(/^SIP\/2\.0 (\d+)/.exec(text)?.[1]);
                if (!text.includes(id) || !(code >= 200)) return;
                this.socket.off('message', answer);
                this.socket.send(request('ACK', /^To: (.*)$/im.exec(text)[1].trim()), port, '127.0.0.1');
                resolve(code);
            };
            this.socket.on('message', answer);
            this.socket.send(request('INVITE', `<sip:${dn}@127.0.0.1>`), port, '127.0.0.1');
        });
    }

    // OPTIONS, whose answer nobody waits for.
    pings(port) {
        this.socket.send([`OPTIONS sip:127.0.0.1 SIP/2.0`, `Via: SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK${random()}`, 'Max-Forwards: 70',
                          `From: <sip:127.0.0.1>;tag=${random()}`, 'To: <sip:127.0.0.1>', `Call-ID: ${random()}`, 'CSeq: 1 OPTIONS', 'Content-Length: 0', '', ''].join('\r\n'),
                         port, '127.0.0.1');
    }

    #took(text, from) {
        const [head] = text.split('\r\n\r\n'), lines = head.split('\r\n'), method = lines[0].split(' ')[0];
        const get = (name) => lines.filter((l) => l.toLowerCase().startsWith(`${name}:`));
        const tag = random();
        if (method === 'SIP/2.0' || method === 'ACK') return;
        const reply = (code, phrase, more = [], body = '') => {
            const to = get('to')[0];
            const out = [`SIP/2.0 ${code} ${phrase}`, ...get('via'), ...get('from'), /tag=/.test(to) ? to : `${to};tag=${tag}`, ...get('call-id'), ...get('cseq'),
                         ...more, `Content-Length: ${body.length}`, '', body];
            this.socket.send(out.join('\r\n'), from.port, from.address);
        };
        const number = /^\S+ sip:([^@]+)@/.exec(lines[0])?.[1], does = this.#numbers.get(number);
        const [id] = get('call-id');
        if (method === 'BYE') this.#over(id);
        if (method === 'INFO') reply(415, 'Unsupported Media Type');
        else if (method !== 'INVITE') reply(200, 'OK');
        else if (!this.invites.push(text) || !does) reply(404, 'Not Found');
        else does({ id, text, reply });
    }
}
