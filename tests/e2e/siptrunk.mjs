// A SIP Server in a few lines, for tests that need one that can fall silent: answers OPTIONS and INVITE, takes BYE. No audio.
import dgram from 'node:dgram';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';

const tag = randomBytes(4).toString('hex');

export class SipTrunk {
    silent = false;
    pings = 0;
    byes = 0;
    #socket = dgram.createSocket('udp4');
    #heard = new Set();

    async open(port = 0) {
        this.#socket.on('message', (data, from) => this.#took(String(data), from));
        this.#socket.bind(port, '127.0.0.1');
        await once(this.#socket, 'listening');
        this.port = this.#socket.address().port;
        return this;
    }
    close() {
        this.#socket.close();
    }
    // Resolves when a request of this method was answered.
    heard(method) {
        return new Promise((resolve) => this.#heard.add((m) => m === method && (resolve(), true)));
    }

    #took(text, from) {
        const [head] = text.split('\r\n\r\n'), lines = head.split('\r\n');
        const get = (name) => lines.filter((l) => l.toLowerCase().startsWith(`${name}:`));
        const method = lines[0].split(' ')[0];
        if (this.silent || method === 'SIP/2.0' || method === 'ACK') return;
        const reply = (code, phrase, more = [], body = '') => {
            const to = get('to')[0];
            const out = [`SIP/2.0 ${code} ${phrase}`, ...get('via'), ...get('from'), /tag=/.test(to) ? to : `${to};tag=${tag}`, ...get('call-id'),
                         ...get('cseq'), ...more, `Content-Length: ${body.length}`, '', body];
            this.#socket.send(out.join('\r\n'), from.port, from.address);
        };
        if (method === 'OPTIONS') this.pings++;
        if (method === 'BYE') this.byes++;
        if (method === 'INVITE')
            reply(200, 'OK', [`Contact: <sip:trunk@127.0.0.1:${this.port}>`, 'Content-Type: application/sdp'],
                  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n');
        else reply(200, 'OK');
        for (const look of this.#heard) if (look(method)) this.#heard.delete(look);
    }
}
