// What getStats() says of a call's audio: pure, for reports of Chromium, Firefox and Safari.

// 'direct', or by which protocol the gateway's relay is reached; '' before that is known.
function pathOf(report, pair) {
    const local = report.get(pair?.localCandidateId);

    if (!local) return '';
    return local.candidateType === 'relay' ? (local.relayProtocol ?? 'relay') : 'direct';
}

// Packets counted since the call began; jitter, farJitter and rtt in ms, as last told; farLoss 0..1 of the far end's last report, which came at
// toldAt (0: none yet); path as above; local: the candidate that sends.
export function pick(report) {
    const found = {
        received: 0, sent: 0, lost: 0, jitter: 0, rtt: 0, farLoss: 0, farLost: 0, farJitter: 0, toldAt: 0, codec: '', path: '', local: null,
    };

    for (const s of report.values()) {
        if (s.type === 'inbound-rtp' && s.kind === 'audio') {
            found.received += s.packetsReceived ?? 0;
            found.lost += s.packetsLost ?? 0;
            found.jitter = (s.jitter ?? 0) * 1000;
            found.codec = report.get(s.codecId)?.mimeType?.replace('audio/', '') ?? '';
        } else if (s.type === 'outbound-rtp' && s.kind === 'audio') {
            found.sent = s.packetsSent ?? 0;
        } else if (s.type === 'remote-inbound-rtp' && s.kind === 'audio') {
            found.farLoss = s.fractionLost ?? 0;
            found.farLost = s.packetsLost ?? 0;
            found.farJitter = (s.jitter ?? 0) * 1000;
            found.toldAt = s.timestamp ?? 0;
            found.rtt = Math.max(found.rtt, (s.roundTripTime ?? 0) * 1000);
        } else if (s.type === 'transport' && s.selectedCandidatePairId) {
            chosen(found, report, report.get(s.selectedCandidatePairId));
        } else if (s.type === 'candidate-pair' && s.nominated) {
            found.rtt = Math.max(found.rtt, (s.currentRoundTripTime ?? 0) * 1000);
            if (!found.path) chosen(found, report, s); // Firefox tells of no transport
        }
    }
    return found;
}

function chosen(found, report, pair) {
    found.path = pathOf(report, pair);
    found.local = report.get(pair?.localCandidateId) ?? null;
}
