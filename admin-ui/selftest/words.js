// All that the self-test says. A result is one sentence of what was found; a red one has another that says what to do.
import { words as shared } from '../shared/words.js';

const list = (items) => [...new Set(items)].join(' and ');

// 'port 443 of a', 'ports 443 and 5349 of a and port 443 of b'
function places(servers) {
    const hosts = [...new Set(servers.map(({ host }) => host))];
    const ports = (host) => [...new Set(servers.filter((server) => server.host === host).map(({ port }) => port))];

    return list(hosts.map((host) => `${ports(host).length > 1 ? 'ports' : 'port'} ${list(ports(host))} of ${host}`));
}
const ms = (n) => `${Math.round(n)} ms`;
const minus = (n) => String(n).replace('-', '−');
const shown = (n) => (n === undefined ? 'unknown' : ms(n));
const heard = (what, mos, loss, jitter) =>
    mos === undefined ? `${what}: not told.` : `${what}: MOS ${mos.toFixed(1)}, ${loss.toFixed(1)} % lost, ${ms(jitter)} jitter.`;
const ways = { direct: 'direct', relay_udp: 'by the relay over UDP', relay_tcp: 'by the relay over TCP', relay_tls: 'by the relay over TLS' };

export const testNames = {
    speaker: 'Speaker',
    ring: 'Ring tone',
    microphone: 'Microphone',
    wss: 'Phone connection (WSS)',
    stun: 'Public address (STUN)',
    turn_udp: 'Relay over UDP',
    turn_tcp: 'Relay over TCP',
    turn_tls: 'Relay over TLS',
    echo: 'Echo call',
};

export const resultWords = {
    waiting: 'Waiting',
    running: 'Testing…',
    good: 'Works',
    fair: 'With limits',
    bad: 'Does not work',
    skipped: 'Not tested',
};

// What the person is asked or told: title, text, what is shown below, and up to three buttons: [answer, words, kind].
const START = ['start', 'Start the test', 'primary'];
const SKIP = ['skip', 'Skip'];
const AFTER = [['copy', 'Copy as text', 'primary'], ['start', 'Test again']];
export const steps = {
    ready: {
        title: 'Check my set-up',
        text: 'Put your headset on. The test takes about a minute: sound first, then a call to the gateway that sends your voice back.',
        buttons: [START],
    },
    opening: { title: 'Allow the microphone', text: 'The browser may ask whether this page may use the microphone.', buttons: [] },
    speaker: {
        title: 'Do you hear the tones?',
        text: 'Three tones, again and again. If not, turn the volume up or choose another device.',
        device: 'speaker',
        buttons: [['yes', 'Yes', 'primary'], ['no', 'No'], SKIP],
    },
    ring: {
        title: 'Do you hear it ring?',
        text: 'A call rings on this device. It may be another one than the speaker, for when the headset is off.',
        device: 'ring',
        buttons: [['yes', 'Yes', 'primary'], ['no', 'No'], SKIP],
    },
    record: {
        title: 'Say a sentence',
        text: 'Press Record and speak for four seconds as you do on the phone. It stays in this browser.',
        device: 'microphone',
        meter: true,
        buttons: [['record', 'Record', 'primary'], SKIP],
    },
    recording: { title: 'Recording…', text: 'Speak now.', device: 'microphone', meter: true, buttons: [] },
    heard: {
        title: 'Do you hear yourself?',
        text: 'What was recorded is played now.',
        device: 'microphone',
        meter: true,
        buttons: [['yes', 'Yes', 'primary'], ['no', 'No'], ['again', 'Record again']],
    },
    network: { title: 'Trying the network…', text: 'Firewalls that say nothing take up to ten seconds.', buttons: [] },
    echo: {
        title: 'Echo call',
        text: 'Speak if you like: the gateway sends your voice back. How well it goes there and back is measured for ten seconds.',
        meter: true,
        buttons: [],
    },
    good: { title: 'All is well', text: 'You can take calls with this set-up.', buttons: AFTER },
    fair: { title: 'Calls work, with limits', text: 'What does not work, and what to do about it, stands in the list. Copy it for your administrator.', buttons: AFTER },
    bad: { title: 'Calls will not work like this', text: 'What stands in red in the list has to be mended first. Copy it for your administrator.', buttons: AFTER },
};

export const words = {
    ...shared,
    dn: 'DN (your extension)',
    password: 'Password',
    devices: { microphone: 'Microphone', speaker: 'Speaker', ring: 'Ring on' },
    asSpeaker: 'The same speaker',
    level: 'Microphone level',
    results: 'Results',
    back: 'Back',
    copied: 'Copied.',
    copyHere: 'Copy this text:',
    sending: 'Keeping the result…',
    kept: (dn) => (dn ? `The result is kept with DN ${dn}: your administrator can see it.` : 'The result is kept: your administrator can see it.'),
    notKept: (why) => `The result could not be kept (${why}). Copy it as text and send it to your administrator.`,
    linkOver: 'This link has been used or is over. Ask your administrator for another one.',
    again: 'The time for this test is over. Sign in again.',
    serverError: (status) => `The gateway could not start the test (error ${status}). Try again; if it stays, tell your administrator.`,
    then: ', then test again.',
    skipped: 'You skipped this.',
    broke: (why) => `The test itself failed (${why}).`,
    brokeAdvice: 'Reload the page and test again; if it stays, send this text to your administrator.',

    soundHeard: (device) => `You heard it${device ? ` from ${device}` : ''}.`,
    soundNotHeard: (device) => `You did not hear it${device ? ` from ${device}` : ''}.`,
    noSound: 'The browser can play no sound.',
    speakerAdvice: 'Turn the volume up, in the system and at the headset, see that it is plugged in, and choose it above as the speaker.',
    ringAdvice: 'Choose another device to ring on, and turn its volume and the ring tone up.',
    ringElsewhere: 'The chosen device cannot be used, so it rings on the speaker.',
    microphoneGood: (device, db) => `Your voice is recorded well${device ? ` by ${device}` : ''}${db === null ? '' : ` (${minus(db)} dB)`}.`,
    microphoneQuiet: (device, db) => `Your voice is quiet${device ? ` in ${device}` : ''} (${minus(db)} dB).`,
    microphoneSilence: (device) => `No sound comes${device ? ` from ${device}` : ' from the microphone'}.`,
    microphoneUnheard: 'You did not hear your recording.',
    quietAdvice: 'Bring the microphone nearer to your mouth, or turn its level up in the system’s settings.',
    silenceAdvice: 'See whether the headset is muted at its cable or button, and choose another microphone if you have one.',
    unheardAdvice: 'If the meter moves while you speak, the speaker is what to look at; else choose another microphone.',

    wssGood: (open, answer) => `Connected in ${ms(open)}; the gateway answers in ${ms(answer)}.`,
    wssSlow: (answer) => `Connected, but the gateway takes ${ms(answer)} to answer.`,
    wssSlowAdvice: 'Calls will ring and connect late. A VPN or a busy line is the usual reason: try without.',
    wssBlocked: 'The page loads, but the phone connection (WebSocket) does not come through.',
    wssBlockedAdvice: (where) => `A proxy or firewall is in the way: it has to let WebSocket connections (HTTP Upgrade) to ${where} through, unchanged.`,
    wssUnreachable: 'The gateway cannot be reached.',
    wssUnreachableAdvice: (where) => `TCP to ${where} has to be let through. Check the network cable, Wi-Fi and VPN, and whether the browser shows a certificate warning.`,
    wssSilent: 'The phone connection comes up, but the gateway does not answer on it.',

    stunGood: (address, n) => `The gateway sees you as ${address} (${ms(n)}).`,
    stunOwn: (n) => `The gateway sees you at your own address: there is no NAT between (${ms(n)}).`,
    symmetric: 'Audio comes from another port than this: a NAT on the way gives each connection its own (symmetric). Where direct audio fails, the relay is used.',
    steady: 'Audio comes from the same port: no symmetric NAT, which is good for direct audio.',
    stunBad: 'No answer over UDP.',
    turnGood: (n) => `The relay gave this computer an address in ${ms(n)}.`,
    turnPart: (lacking) => ` (Not by ${places(lacking)}, which is not needed then.)`,
    turnBad: (servers) => `The relay does not answer at ${places(servers)}.`,
    turnRefused: (code) => `The relay refuses (${code}).`,
    turnRefusedAdvice: 'Test again; if it stays, tell your administrator: the gateway’s log says why.',
    noServer: 'The gateway offers none.',
    udpAdvice: (servers) => `Ask whoever runs your network to let UDP to ${places(servers)} through. Without it audio takes a way that is worse on bad lines.`,
    tcpAdvice: (servers) => `Needed only where UDP is blocked: TCP to ${places(servers)} has to be let through.`,
    tlsAdvice: (servers) =>
        `TCP to ${places(servers)} has to be let through without TLS inspection, and the gateway needs a certificate that this browser trusts.`,

    echoNoPhone: 'Not tried: there is no phone connection.',
    echoRefused: (why) => `The gateway did not take the call (${why}).`,
    echoRefusedAdvice: 'Test again in a minute; if it stays, tell your administrator.',
    echoNoPath: 'The gateway took the call, but no audio gets there.',
    echoNoPathAdvice: (ports) =>
        `At least one of these has to be let through: ${ports.join('; ')}.`,
    echoNoAddress: 'The browser may not use the network for audio.',
    echoNoAddressAdvice: 'A VPN or a browser policy (WebRTC) forbids it: tell your administrator.',
    echoEnded: 'The call ended by itself.',
    echoSilent: 'Audio goes to the gateway, but nothing comes back.',
    echoSilentAdvice: 'A firewall lets packets out and no answers in: the UDP ports of the gateway have to be open in both ways.',
    echo: (judged, f) =>
        `${judged}; ${ways[f.path] ?? 'unknown way'}, ${shown(f.rtt_ms)} there and back. ${heard('What you say', f.mos_up, f.loss_up_pct, f.jitter_up_ms)} ${heard('What you hear', f.mos_down, f.loss_down_pct, f.jitter_down_ms)}`,
    echoJudged: { good: 'Good', fair: 'Fair, some words may get lost', bad: 'Poor, hard to understand' },
    lossAdvice: 'Packets get lost: use a network cable instead of Wi-Fi, and close what loads much.',
    delayAdvice: 'The way is long: try without VPN, or by another network.',
    protocols: { turn_udp: 'UDP', turn_tcp: 'TCP', turn_tls: 'TCP (TLS)' },
    portOf: (protocol, where) => `${protocol} ${places([where])}`,
};

export const verdictLine = { good: 'all is well', fair: 'calls work, with limits', bad: 'calls will not work like this' };
