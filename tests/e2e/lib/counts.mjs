// What browser and gateway have counted of a call's audio: what may excuse that it is not heard as it was said.
import { metricsOfNow } from './metrics.mjs';

const FRAME_MS = 20;

// Runs in the page, of its newest connection that carries audio: the page looks for relays by others. Times in ms.
async function countInPage() {
    const report = await window.peers.findLast((peer) => peer.getTransceivers().length).getStats();
    const all = [...report.values()].filter(({ kind }) => kind === 'audio');
    const [heard, said] = ['inbound-rtp', 'outbound-rtp'].map((type) => all.find((s) => s.type === type) ?? {});
    const rate = report.get(heard.codecId)?.clockRate ?? 48000; // what samples are counted in
    const ms = (samples = 0) => (samples / rate) * 1000;

    return {
        said: said.packetsSent ?? 0,
        heard: heard.packetsReceived ?? 0,
        lost: heard.packetsLost ?? 0,
        discarded: heard.packetsDiscarded ?? 0,
        concealments: heard.concealmentEvents ?? 0,
        concealedMs: ms(heard.concealedSamples),
        stretchedMs: ms((heard.insertedSamplesForDeceleration ?? 0) + (heard.removedSamplesForAcceleration ?? 0)),
        bufferSeconds: heard.jitterBufferDelay ?? 0, // of all samples together
        bufferedSamples: heard.jitterBufferEmittedCount ?? 0,
    };
}

export const ofBrowser = (agent) => agent.page.evaluate(countInPage);

export async function ofGateway(server) {
    const metrics = await metricsOfNow(server);

    return {
        gatewayMade: metrics.sum('dngate_jitter_buffer_made_frames_total'),
        gatewayThrew: metrics.sum('dngate_jitter_buffer_discarded_packets_total'),
        gatewayLost: metrics.sum('dngate_audio_packets_lost_total'),
        gatewayBufferMs: 1000 * metrics.sum('dngate_jitter_buffer_delay_mean_seconds') || 0, // as it is now; NaN when nothing is transcoded
    };
}

// The gateway's later ones.
export const ofBoth = async (agent) => ({ ...(await ofBrowser(agent)), ...(await ofGateway(agent.server)) });

export const since = (before, now) => Object.fromEntries(Object.entries(now).map(([key, value]) => [key, value - (before[key] ?? 0)]));

// Audio that was made up, left out, stretched, or lost, and how often.
export const disturbedMs = (c) =>
    c.concealedMs + c.stretchedMs + FRAME_MS * (c.lost + c.discarded + c.gatewayMade + c.gatewayThrew + c.gatewayLost);
// Packets that who hears himself has sent and should have received.
export const missing = (c) => c.said + c.gatewayMade - c.gatewayThrew - c.gatewayLost - c.heard;
export const disturbances = (c) => c.concealments + c.discarded + c.gatewayMade + c.gatewayThrew + c.gatewayLost;
