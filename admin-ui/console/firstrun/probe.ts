// What this browser can reach of the box: the WebSocket of each HTTPS port, and the STUN server by UDP.
const PATIENCE_MS = 6000;

export interface Probe {
    name: 'page' | 'socket' | 'socket2' | 'stun';
    port: number;
    result: 'running' | 'ok' | 'failed';
    ms: number;
}

const timed = async (what: (signal: AbortSignal) => Promise<boolean>): Promise<{ ok: boolean; ms: number }> => {
    const from = performance.now();
    const limit = AbortSignal.timeout(PATIENCE_MS);
    const ok = await what(limit).catch(() => false);

    return { ok, ms: Math.round(performance.now() - from) };
};

export const socketOpens = (url: string) =>
    timed(
        (limit) =>
            new Promise((resolve) => {
                const ws = new WebSocket(url, 'sip');
                const end = (ok: boolean) => {
                    resolve(ok);
                    ws.close();
                };
                ws.onopen = () => end(true);
                ws.onerror = () => end(false);
                limit.onabort = () => end(false);
            }),
    );

export const stunAnswers = (host: string, port: number) =>
    timed(
        (limit) =>
            new Promise((resolve) => {
                const pc = new RTCPeerConnection({ iceServers: [{ urls: `stun:${host.includes(':') ? `[${host}]` : host}:${port}` }] });
                const end = (ok: boolean) => {
                    resolve(ok);
                    pc.close();
                };
                // One that sits in the same network is told its own address: then no candidate of its own comes of it, but no error either.
                let error = false;
                pc.onicecandidateerror = () => (error = true);
                pc.onicecandidate = ({ candidate }) => {
                    if (candidate?.type === 'srflx') end(true);
                    else if (!candidate) end(!error);
                };
                limit.onabort = () => end(false);
                pc.createDataChannel('x');
                void pc.setLocalDescription();
            }),
    );
