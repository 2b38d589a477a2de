// The MOS that counted figures give, by the E-model (ITU-T G.107) as media/quality.h has it.
import assert from 'node:assert/strict';
import { parse, scrape } from './metrics.mjs';

const JITTER_BUFFER_MS = [5, 200]; // least and most

// loss: 0..1; buffer: ms of the jitter buffer, 0 = guessed from the jitter (ms).
export function mos({ codec, loss, rtt = 0, jitter = 0, buffer = 0 }) {
    const opus = /opus/i.test(codec);
    const [packet, ie, bpl] = opus ? [26.5, 5, 20] : [20, 0, 10];
    const delay = rtt / 2 + packet + (buffer || 2 * jitter);
    const ppl = 100 * Math.min(1, loss);
    const r = Math.max(0, 93.2 - 0.024 * delay - 0.11 * Math.max(0, delay - 177.3) - (ie + ((95 - ie) * ppl) / (ppl + bpl)));

    return Math.min(4.5, Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6));
}

export function checkMos(value, [least, most], what = '') {
    assert.ok(value > least - 0.01 && value < most + 0.01, `MOS ${value} where the figures give ${least} to ${most}: ${JSON.stringify(what)}`);
}

// A call record's packets and MOS. talked: what was counted while the call ran. The trunk sends no RTCP: no round trip to it is known.
export async function checkRowQuality(server, row, talked) {
    const { browser_codec, browser_packets, browser_lost, browser_mos, trunk_codec, trunk_packets, trunk_lost, trunk_jitter_ms, trunk_mos, rtt_ms } = row;
    const thrown = (reason) => metrics.sum('dngate_jitter_buffer_discarded_packets_total', { reason });
    const metrics = parse(await scrape(server));
    const late = thrown('late') + thrown('no_room'); // of all calls so far: at most
    const browser = (late, rtt, buffer) =>
        mos({ codec: browser_codec, loss: (browser_lost + late) / (browser_packets + browser_lost), rtt, buffer });
    const trunk = mos({ codec: trunk_codec, loss: trunk_lost / (trunk_packets + trunk_lost), jitter: trunk_jitter_ms });

    assert.ok(browser_packets + browser_lost >= talked.said, `${talked.said} packets from the browser: ${JSON.stringify(row)}`);
    assert.ok(trunk_packets + trunk_lost >= talked.heard, `${talked.heard} packets from the trunk: ${JSON.stringify(row)}`);
    checkMos(browser_mos, [browser(late, rtt_ms, JITTER_BUFFER_MS[1]), browser(0, 0, JITTER_BUFFER_MS[0])], row);
    checkMos(trunk_mos, [trunk, trunk], row);
}
