// The console's REST as a page or a program uses it: sign in, call, with cookie and CSRF token.
//   const server = await start({ options: [adminOption] });
//   const admin = await signIn(server);
//   const { status, body, headers } = await admin.get('/users');  admin.post('/users', {…})  admin.patch  admin.put  admin.delete
import { createHmac } from 'node:crypto';
import https from 'node:https';

export const adminPassword = 'correct horse';
export const adminOption = `admin.password=${adminPassword}`; // for start(): user admin with that password
export const base = '/api/admin/v1';

const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false, maxSockets: 16 });
process.once('exit', () => agent.destroy());

// One request. body: an object goes as JSON, a string or Buffer as it is. path: below the base, or whole when it begins with /api/ or, as //metrics, with a second slash.
// from: the address of ours that it comes from. Resolves to { status, headers, text, body } where body is the JSON that came, or undefined.
export function call(server, method, path, { body, headers = {}, from } = {}) {
    const bytes = body === undefined ? null : typeof body === 'string' || Buffer.isBuffer(body) ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
    const types = bytes && !headers['content-type'] ? { 'content-type': 'application/json' } : {};
    const length = bytes || method !== 'GET' ? { 'content-length': bytes?.length ?? 0 } : {};

    return new Promise((resolve, reject) => {
        const request = https.request({
            host: '127.0.0.1', port: server.ports.https, method, ...(from ? { localAddress: from, agent: false, rejectUnauthorized: false } : { agent }),
            path: path.startsWith('//') ? path.slice(1) : path.startsWith('/api/') ? path : base + path,
            headers: { ...types, ...length, ...headers },
        }, (response) => {
            const chunks = [];
            response.on('data', (chunk) => chunks.push(chunk));
            response.on('error', reject);
            response.on('end', () => {
                const text = Buffer.concat(chunks).toString();
                const json = /json/.test(response.headers['content-type'] ?? '') && text;
                resolve({ status: response.statusCode, headers: response.headers, text, body: json ? JSON.parse(text) : undefined });
            });
        });
        request.on('error', reject);
        request.end(bytes ?? undefined);
    });
}

// Somebody who calls: headers(method) are those that say who it is.
function caller(server, headers) {
    const bound = (method) => (path, body, more = {}) => call(server, method, path, { body, headers: { ...headers(method), ...more } });

    return {
        call: (method, path, options = {}) => call(server, method, path, { ...options, headers: { ...headers(method), ...options.headers } }),
        get: (path, more = {}) => call(server, 'GET', path, { headers: { ...headers('GET'), ...more } }),
        post: bound('POST'), put: bound('PUT'), patch: bound('PATCH'), delete: bound('DELETE'),
    };
}

export const cookieOf = (answer) => /__Host-dngate=([^;]*)/.exec(String(answer.headers['set-cookie'] ?? ''))?.[1] ?? '';

// Signs in as a user (the first administrator, unless told otherwise): a caller with .cookie, .csrf and .session (what /login said).
export async function signIn(server, { name = 'admin', password = adminPassword, code } = {}) {
    const answer = await call(server, 'POST', '/login', { body: { name, password, ...(code ? { code } : {}) } });
    if (answer.status !== 200) throw new Error(`sign-in of ${name}: ${answer.status} ${answer.text}`);
    const cookie = `__Host-dngate=${cookieOf(answer)}`, { csrf } = answer.body;

    // on: the same session at a server that was started again.
    const on = (there) => Object.assign(caller(there, (method) => (method === 'GET' ? { cookie } : { cookie, 'x-csrf-token': csrf })), { cookie, csrf, session: answer.body, on });

    return on(server);
}

// A program with a key.
export const withKey = (server, key) => caller(server, () => ({ authorization: `Bearer ${key}` }));
// Nobody.
export const stranger = (server) => caller(server, () => ({}));

// RFC 6238: what an authenticator shows in a step of 30 s.
export function codeAt(secret, step = Math.floor(Date.now() / 30000)) {
    const bits = [...secret].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
    const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const mac = createHmac('sha1', key).update(counter).digest();
    return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1000000).padStart(6, '0');
}
