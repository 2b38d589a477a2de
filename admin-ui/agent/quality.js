// How good a call is, from getStats: loss, jitter and round trip of the last interval, and what they mean in bars and words.
const SILENT_INTERVALS = 2; // so long without a packet is no audio

export const qualityWords = ['No audio', 'Poor', 'Fair', 'Good', 'Excellent'];

// Bars 0..4; loss 0..1 of the worse direction, jitter and rtt in ms.
export function bars({ loss, jitter, rtt }) {
    // The E-model in short (ITU-T G.107): delay and loss each take from 93.
    const delay = rtt / 2 + 2 * jitter + 20;
    const r = 93 - 0.024 * delay - 0.11 * Math.max(0, delay - 177) - 95 * (loss / (loss + 0.1));

    if (r >= 80) return 4;
    if (r >= 70) return 3;
    if (r >= 60) return 2;
    return 1;
}

function pick(report) {
    const found = { received: 0, lost: 0, jitter: 0, rtt: 0, farLoss: 0, bytesIn: 0, bytesOut: 0, codec: '' };

    for (const s of report.values()) {
        if (s.type === 'inbound-rtp' && s.kind === 'audio') {
            found.received = s.packetsReceived ?? 0;
            found.lost = s.packetsLost ?? 0;
            found.jitter = (s.jitter ?? 0) * 1000;
            found.bytesIn = s.bytesReceived ?? 0;
            found.codec = report.get(s.codecId)?.mimeType?.replace('audio/', '') ?? '';
        } else if (s.type === 'outbound-rtp' && s.kind === 'audio') {
            found.bytesOut = s.bytesSent ?? 0;
            found.sent = s.packetsSent ?? 0;
        } else if (s.type === 'remote-inbound-rtp' && s.kind === 'audio') {
            found.farLoss = s.fractionLost ?? 0;
            found.rtt = Math.max(found.rtt, (s.roundTripTime ?? 0) * 1000);
        } else if (s.type === 'candidate-pair' && s.nominated && s.currentRoundTripTime !== undefined) {
            found.rtt = Math.max(found.rtt, s.currentRoundTripTime * 1000);
        }
    }
    return found;
}

// Turns successive reports of one call into readings.
export class Quality {
    #last = null;
    #silent = 0;

    read(report) {
        const now = pick(report);
        const last = this.#last;

        this.#last = now;
        if (!last) return null;
        const received = now.received - last.received;
        const lost = Math.max(0, now.lost - last.lost);
        this.#silent = received > 0 ? 0 : this.#silent + 1;
        if (!now.received && this.#silent < SILENT_INTERVALS) return null; // too early to tell

        const reading = {
            loss: Math.max(received + lost > 0 ? lost / (received + lost) : 0, now.farLoss),
            jitter: now.jitter,
            rtt: now.rtt,
            codec: now.codec,
            received: now.received,
            sent: now.sent ?? 0,
        };
        const n = this.#silent >= SILENT_INTERVALS ? 0 : bars(reading);
        return { ...reading, bars: n, word: qualityWords[n] };
    }
}
