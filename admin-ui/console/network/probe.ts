// Goes the ways to the box that an agent's browser goes: HTTPS, WebSockets, STUN, and TURN by each protocol.
import { gather } from '../../shared/gather.js';
import { serversOf } from '../../selftest/urls.js';
import { api, may } from '../core/api';
import type { Port } from '../pure/firewall';
import type { SelftestLink } from '../pure/shapes';

export interface Found {
    ok: boolean;
    ms: number;
}
export type Tell = (way: string, found: Found | null) => void;
type Ice = RTCIceServer[];

const SOCKET_MS = 8000;
const STUN_MS = 6000;
const TURN_MS = 9000;

const since = () => {
    const from = performance.now();
    return () => Math.max(1, Math.round(performance.now() - from));
};

async function https(): Promise<Found> {
    const ms = since();
    try {
        const answer = await fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(5000) });
        return { ok: answer.ok, ms: ms() };
    } catch {
        return { ok: false, ms: ms() };
    }
}

function socket(port: number): Promise<Found> {
    const ms = since();
    const ws = new WebSocket(`${location.protocol === 'http:' ? 'ws' : 'wss'}://${location.hostname}:${port}/ws`, 'sip');

    return new Promise<Found>((resolve) => {
        const tell = (ok: boolean) => {
            resolve({ ok, ms: ms() });
            ws.close();
        };
        setTimeout(tell, SOCKET_MS, false);
        ws.onerror = () => tell(false);
        ws.onopen = () => ws.send('\r\n\r\n'); // RFC 7118 6: who answers is the box, no proxy on the way
        ws.onmessage = () => tell(true);
    });
}

async function stun(iceServers: Ice): Promise<Found> {
    const ms = since();
    const own = new Set<number>();
    const deaf = new Set<number>();
    const found = await gather({ iceServers }, STUN_MS, ({ candidate, error }: any) => {
        if (candidate?.type === 'srflx') return true;
        if (candidate?.type === 'host' && candidate.protocol === 'udp') own.add(candidate.port);
        if (error) deaf.add(error.port);
        return false;
    });
    // An outer address that is our own is no news to the browser: it only comes to the end of its search.
    return { ok: !!found || (found === false && [...own].some((port) => !deaf.has(port))), ms: ms() };
}

async function turn(server: RTCIceServer): Promise<Found> {
    const ms = since();
    const found = await gather({ iceServers: [server], iceTransportPolicy: 'relay' }, TURN_MS, ({ candidate }: any) => candidate?.type === 'relay');
    return { ok: !!found, ms: ms() };
}

// TURN credentials, as somebody gets them who makes a self-test by a link.
async function credentials(note: string): Promise<Ice> {
    if (!may('supervisor')) return [];
    try {
        const { url = '' } = await api.post<SelftestLink>('/selftest-links', { note, hours: 1 });
        const answer = await fetch('/api/selftest/v1/start', {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({ link: url.slice(url.indexOf('#') + 1) }),
        });
        return answer.ok ? (await answer.json()).iceServers ?? [] : [];
    } catch {
        return [];
    }
}

// Tells of each way as it is known, null when it begins; what no browser can try is left out.
export async function probe(ports: Port[], note: string, tell: Tell): Promise<void> {
    const has = new Map(ports.filter((p) => p.port && p.listening).map((p) => [p.way, p]));
    const go = async (way: string, how: () => Promise<Found>) => {
        tell(way, null);
        tell(way, await how().catch(() => ({ ok: false, ms: 0 })));
    };
    const runs: Promise<void>[] = [go('https', https)];

    for (const way of ['wss', 'wss_extra']) if (has.has(way)) runs.push(go(way, () => socket(has.get(way)!.port)));
    const ice = await credentials(note);
    const udp = has.get('turn_udp');
    const kinds = [
        ['turn_udp', 'turn_udp'],
        ['turn_tcp', 'turn_tcp'],
        ['turn_tls', 'turn_tls'],
        ['turn_https', 'turn_tls'],
    ] as const;
    for (const [way, kind] of kinds) {
        const server = serversOf(ice, kind).find((s: { port: number }) => s.port === has.get(way)?.port);
        if (server) runs.push(go(way, () => turn(server.server)));
    }
    if (udp && !ice.length) runs.push(go('turn_udp', () => stun([{ urls: `stun:${location.hostname}:${udp.port}` }])));
    await Promise.all(runs);
}
