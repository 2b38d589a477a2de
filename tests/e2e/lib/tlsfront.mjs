// TLS for SIP peers that speak UDP, by OpenSSL: certificates, and a front that takes messages from one and gives them to the other.
//   const ca = makeCa(dir, 'Site CA');             ca.file: its certificate
//   const cert = ca.sign('DNS:sip.example', {…})   { cert, key, pem }: texts; pem: a file with both
//   const front = await TlsFront.open({ ...cert })  a server; front.to = UDP port of who is behind it; front.answer(method) without one
//   await front.connect(server.ports.sips, {…})     a connection to the gateway, by which what the peer sends goes from now on
import { execFileSync } from 'node:child_process';
import dgram from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';

let made = 0;

const keyArgs = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export function makeCa(dir, name) {
    const at = (ext) => join(dir, `ca${++made}.${ext}`);
    const ca = { file: at('pem'), key: at('key') };
    const quiet = { stdio: ['ignore', 'ignore', 'ignore'] };

    execFileSync('openssl', ['req', '-x509', ...keyArgs, '-keyout', ca.key, '-out', ca.file, '-days', '30', '-subj', `/CN=${name}`], quiet);
    // names: as subjectAltName has them. when: the day on which it was made, for ten days.
    ca.sign = (names, { when, more = '' } = {}) => {
        const [key, request, cert, pem, ext] = ['key', 'csr', 'crt', 'pem', 'ext'].map(at);

        writeFileSync(ext, `${names ? `subjectAltName=${names}\n` : ''}${more}`);
        execFileSync('openssl', ['req', '-new', ...keyArgs, '-keyout', key, '-out', request, '-subj', '/CN=peer'], quiet);
        const serial = 1000 + made;
        const sign = ['openssl', 'x509', '-req', '-in', request, '-CA', ca.file, '-CAkey', ca.key, '-set_serial', String(serial), '-days', '10', '-extfile', ext, '-out', cert];
        execFileSync(...(when ? ['faketime', [when, ...sign]] : [sign[0], sign.slice(1)]), quiet);
        writeFileSync(pem, `${readFileSync(cert)}${readFileSync(key)}`);
        return { cert: readFileSync(cert), key: readFileSync(key), pem, serial };
    };
    return ca;
}

// Emits 'request' and 'response' with each message of the gateway, 'connection', 'closed', 'ping' (CRLF CRLF).
export class TlsFront extends EventEmitter {
    #udp = dgram.createSocket('udp4');
    #sockets = []; // that are open; the newest carries what the peer sends
    connections = 0;
    messages = []; // first lines of what the gateway sent
    to = 0; // where the peer has its UDP port; 0: there is none, and OPTIONS get 200
    pongs = true;

    static async open(options = {}) {
        const front = new TlsFront();

        // Its Contact leads here.
        front.#udp.on('message', (data) => front.send(data.toString('latin1').replace(/^(Contact:.*?127\.0\.0\.1:)\d+/im, `$1${front.port}`)));
        front.#udp.bind(0, '127.0.0.1');
        await once(front.#udp, 'listening');
        front.udpPort = front.#udp.address().port;
        front.server = tls.createServer({ requestCert: true, rejectUnauthorized: false, ...options }, (socket) => front.#opened(socket));
        front.server.on('tlsClientError', (error) => front.emit('refused', error));
        front.server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
        await once(front.server, 'listening');
        front.port = front.server.address().port;
        return front;
    }
    // As a client of the gateway's sips.port; resolves when the gateway has taken us: it answers CRLF CRLF.
    async connect(port, { from = '127.0.0.1', ...options } = {}) {
        const socket = tls.connect({ port, host: '127.0.0.1', localAddress: from, rejectUnauthorized: false, ...options });

        socket.on('error', () => {});
        await once(socket, 'secureConnect', { signal: AbortSignal.timeout(10000) });
        this.#opened(socket);
        return socket;
    }
    send(data) {
        this.socket?.write(data, 'latin1');
    }
    // The peer hangs up, or falls silent.
    drop() {
        for (const socket of this.#sockets.splice(0)) socket.destroy();
    }
    get socket() {
        return this.#sockets.at(-1);
    }
    close() {
        this.drop();
        this.server?.close();
        this.#udp.close();
    }

    #opened(socket) {
        let text = '';

        this.#sockets.push(socket);
        this.connections++;
        socket.on('error', () => {});
        socket.on('close', () => {
            this.#sockets = this.#sockets.filter((other) => other !== socket);
            this.emit('closed', socket);
        });
        socket.on('data', (data) => {
            text += data.toString('latin1');
            for (;;) {
                if (text.startsWith('\r\n\r\n') && this.pongs) {
                    socket.write('\r\n');
                    this.emit('ping');
                }
                text = text.replace(/^(\r\n)+/, '');
                const head = text.indexOf('\r\n\r\n');
                if (head < 0) return;
                const length = head + 4 + Number(/^(?:content-length|l)\s*:\s*(\d+)/im.exec(text.slice(0, head))?.[1] ?? 0);
                if (text.length < length) return;
                this.#took(text.slice(0, length), socket);
                text = text.slice(length);
            }
        });
        this.emit('connection', socket);
    }
    #took(text, socket) {
        const first = text.split('\r\n', 1)[0];

        this.messages.push(first);
        this.emit(first.startsWith('SIP/2.0') ? 'response' : 'request', text);
        if (this.to) this.#udp.send(Buffer.from(text, 'latin1'), this.to, '127.0.0.1');
        else if (first.startsWith('OPTIONS ')) this.reply(text, 200, 'OK', socket);
        else if (first.startsWith('INVITE ')) this.reply(text, 404, 'Not Found', socket);
    }
    reply(text, code, phrase, socket = this.socket) {
        const lines = text.split('\r\n\r\n', 1)[0].split('\r\n');
        const get = (name) => lines.filter((line) => line.toLowerCase().startsWith(`${name}:`));

        socket?.write([`SIP/2.0 ${code} ${phrase}`, ...get('via'), ...get('from'), `${get('to')[0]};tag=front`, ...get('call-id'), ...get('cseq'), 'Content-Length: 0', '', ''].join('\r\n'));
    }
}
